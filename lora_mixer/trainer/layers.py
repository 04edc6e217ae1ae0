"""Which layers of a model learn, at which rank, and what they are called in a file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Generator, Tensor, nn

from lora_mixer.errors import RequestError
from lora_mixer.export.spelling import kohya_name
from lora_mixer.keys.suffixes import SUFFIX_OF
from lora_mixer.models import Model
from lora_mixer.modules import DENOISER, LayerType, ModuleName, ModuleSpec
from lora_mixer.trainer.settings import TrainSettings
from lora_mixer.trainer.wrapping import Wrappable, Wrapped, wrap_layers

ATTENTION = re.compile(r"\.attentions\.")
CONVOLUTIONAL = re.compile(r"\.(attentions|resnets|downsamplers|upsamplers)\.")
TEXT = re.compile(r"\.(self_attn|mlp)\.")
"""Parts of paths whose layers kohya's trainer changes: `Transformer2DModel`; with `conv_dim`, `ResnetBlock2D` and the
samplers; `CLIPAttention` and `CLIPMLP`."""


def trainable(model: Model, settings: TrainSettings, generator: Generator) -> Wrapped:
    """Return fresh adapters on the layers of a model that the settings mean, named by their canonical names.

    Raises:
        RequestError: None is meant.
    """
    chosen: dict[str, Wrappable] = {}
    for spec in model.index:
        if _meant(spec, settings):
            module = model.module(spec.name)
            if isinstance(module, Wrappable):
                chosen[str(spec.name)] = module
    ranks = dict(settings.block_ranks or {})
    unused = [part for part in ranks if not any(part in name for name in chosen)]
    if unused:
        raise RequestError(
            f"block_ranks: no layer's path has {unused[0]!r} in it", remedy="Use parts like up_blocks.1."
        )

    def rank(name: str, layer: nn.Module) -> int:
        own = [value for part, value in ranks.items() if part in name]
        return own[-1] if own else _rank(layer, settings)

    return wrap_layers(
        chosen,
        rank=rank,
        alpha=settings.alpha,
        kind=settings.kind,
        dora=settings.dora,
        factor=settings.factor,
        rs_lora=settings.rs_lora,
        generator=generator,
    )


def tensors_of(adapters: Wrapped, model: Model) -> dict[str, Tensor]:
    """Return what a file holds, by kohya's keys."""
    found: dict[str, Tensor] = {}
    for name, slots in adapters.slots().items():
        spelled = kohya_name(name_of(name), model.family, model.index)
        found |= {f"{spelled}.{SUFFIX_OF[slot]}": value.cpu() for slot, value in slots.items()}
    return found


def name_of(text: str) -> ModuleName:
    """Return the canonical name that a text says."""
    part, _, path = text.partition(":")
    return ModuleName(part, path)


def _meant(spec: ModuleSpec, settings: TrainSettings) -> bool:
    if spec.operator not in {LayerType.LINEAR, LayerType.CONV}:
        return False
    if spec.name.part != DENOISER:
        return settings.rate_of(spec.name.part) > 0 and TEXT.search(spec.name.path) is not None
    if settings.targets is not None:
        return re.search(settings.targets, spec.name.path) is not None
    return (CONVOLUTIONAL if settings.conv_rank else ATTENTION).search(spec.name.path) is not None


def _rank(layer: nn.Module, settings: TrainSettings) -> int:
    wide = isinstance(layer, nn.Conv2d) and layer.kernel_size != (1, 1)
    return settings.conv_rank if wide else settings.rank


def numbers_by_rate(adapters: Wrapped, settings: TrainSettings) -> list[Mapping[str, object]]:
    """Return the trainable tensors in groups, each with its learning rate: the denoiser's, and each text encoder's."""
    groups: dict[float, list[Tensor]] = {}
    for name, slots in adapters.learning().items():
        groups.setdefault(settings.rate_of(name_of(name).part), []).extend(slots)
    return [{"params": tensors, "lr": rate} for rate, tensors in groups.items()]
