"""How much memory a training needs, reckoned before it begins: nothing is computed, the network runs on torch's meta device."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F  # noqa: N812

from lora_mixer.errors import RequestError
from lora_mixer.kernels.memory import available_bytes
from lora_mixer.libraries.own_process import meta_operators
from lora_mixer.models import DenoiserInputs, Model, PictureSize
from lora_mixer.models.denoisers import opener_of
from lora_mixer.modules import DENOISER
from lora_mixer.trainer.dropouts import Dropouts
from lora_mixer.trainer.layers import name_of
from lora_mixer.trainer.optimizers import OPTIMIZERS
from lora_mixer.trainer.settings import TrainSettings
from lora_mixer.trainer.wrapping import Wrappable, Wrapped

TOKENS = 77
GIGA = 1e9
CHECKPOINTED = frozenset({"ResnetBlock2D", "BasicTransformerBlock"})
"""What diffusers computes again for the gradient, one at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes that a training holds at its fullest.

    Attributes:
        weights: The model's, in the dtype it is open in.
        adapters: What learns, in float32, with gradients and the optimizer's numbers.
        activations: What the denoiser's forward pass keeps for the gradient.
    """

    weights: int
    adapters: int
    activations: int

    @property
    def total(self) -> int:
        """All of it; torch and what is computed in passing come on top, about a tenth."""
        return self.weights + self.adapters + self.activations

    def __str__(self) -> str:
        """Return a sentence's part.

        >>> str(Memory(weights=5_135_000_000, adapters=1_360_000_000, activations=6_300_000_000))
        '12.8 GB of memory (model 5.1, adapters with optimizer 1.4, activations 6.3)'
        """
        parts = (self.total, self.weights, self.adapters, self.activations)
        total, weights, adapters, activations = (f"{part / GIGA:.1f}" for part in parts)
        return f"{total} GB of memory (model {weights}, adapters with optimizer {adapters}, activations {activations})"


def reckon(model: Model, settings: TrainSettings, adapters: Wrapped) -> Memory:
    """Return what a training of these adapters on this model holds.

    The denoiser's activations are counted tensor by tensor, in the precision of the forward pass and with an attention
    that keeps no matrix of all pairs; those of text encoders that learn are not counted: they are small beside it.
    """
    numbers = sum(parameter.numel() for parameter in adapters.parameters())
    kept = 4 * (2 + OPTIMIZERS[settings.optimizer].floats) if settings.optimizer in OPTIMIZERS else 8
    networks = (*model.parts.values(), model.vae)
    weights = sum(one.numel() * one.element_size() for network in networks for one in network.parameters())
    return Memory(weights=weights, adapters=int(numbers * kept), activations=activations_of(model, settings, adapters))


def activations_of(model: Model, settings: TrainSettings, adapters: Wrapped) -> int:
    """Return the bytes that the denoiser's forward pass keeps for the gradient of a batch, counted once a structure."""
    shape = _Shape.of(model, settings, adapters)
    if shape not in _counted:
        if len(_counted) >= STRUCTURES:
            _counted.pop(next(iter(_counted)))
        _counted[shape] = _count(model, shape, adapters)
    every, again = _counted[shape]
    return again if settings.gradient_checkpointing else every


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """All that decides what a forward pass keeps."""

    family: str
    config: str
    batch: int
    cells: int
    precision: str
    dropouts: Dropouts
    adapters: tuple[tuple[str, str, tuple[int, ...]], ...]

    @classmethod
    def of(cls, model: Model, settings: TrainSettings, adapters: Wrapped) -> _Shape:
        config: Mapping[str, Any] = model.denoiser.network.config  # type: ignore[assignment]
        return cls(
            family=model.family.name,
            config=json.dumps(dict(config), sort_keys=True, default=str),
            batch=settings.batch,
            cells=(settings.resolution or min(model.native_size)) // model.latent_scale,
            precision=settings.precision,
            dropouts=settings.dropouts,
            adapters=tuple(
                (name, slot, tuple(value.shape))
                for name, slots in adapters.slots().items()
                for slot, value in slots.items()
            ),
        )


STRUCTURES = 16
"""So many are remembered."""

_counted: dict[_Shape, tuple[int, int]] = {}


def _count(model: Model, shape: _Shape, adapters: Wrapped) -> tuple[int, int]:
    """Return the bytes that are kept of everything, and where blocks are computed again."""
    dtype = getattr(torch, shape.precision)
    meta_operators()
    with torch.device("meta"):
        config: Mapping[str, Any] = model.denoiser.network.config  # type: ignore[assignment]
        network = opener_of(model.family).empty(config).to(dtype).requires_grad_(requires_grad=False)
        told = len(getattr(model.denoiser, "told", ())) * (config.get("addition_time_embed_dim") or 0)
        pooled = config["projection_class_embeddings_input_dim"] - told if told else 0
        side = shape.cells * model.latent_scale
        inputs = DenoiserInputs(
            latents=torch.empty(shape.batch, model.denoiser.in_channels, shape.cells, shape.cells, dtype=dtype),
            timestep=torch.empty(shape.batch),
            tokens=torch.empty(shape.batch, TOKENS, config["cross_attention_dim"], dtype=dtype),
            pooled=torch.empty(shape.batch, pooled, dtype=dtype) if pooled else None,
            sizes=(PictureSize(side, side),) * shape.batch,
        )
        own = adapters.onto(
            {
                name: cast(Wrappable, network.get_submodule(name_of(name).path))
                for name in adapters.names
                if name_of(name).part == DENOISER
            }
        )
        kept = _Kept(network, own)
        with _attention_without_pairs(), kept.counting(), own.on(dropouts=shape.dropouts):
            replace(model.denoiser, network=network)(inputs)  # type: ignore[type-var]
    return kept.all, kept.computed_again


class _Kept:
    """What a forward pass keeps for the gradient, counted once a storage, weights aside."""

    def __init__(self, network: nn.Module, adapters: Wrapped) -> None:
        self._network = network
        self._seen = {one.untyped_storage()._cdata for one in (*network.parameters(), *adapters.parameters())}  # noqa: SLF001
        self._alive: list[torch.UntypedStorage] = []
        self._inside: list[int] = []
        self.all = self._between = self._largest = 0

    @property
    def computed_again(self) -> int:
        """What is kept where blocks are computed again: what lies between them, their outputs, and the largest block."""
        return self._between + self._largest

    @contextmanager
    def counting(self) -> Iterator[None]:
        blocks = [one for one in self._network.modules() if type(one).__name__ in CHECKPOINTED]
        hooks = [one.register_forward_pre_hook(lambda *_: self._inside.append(0)) for one in blocks]
        hooks += [one.register_forward_hook(lambda _block, _inputs, output: self._left(output)) for one in blocks]
        try:
            with saved_tensors_hooks(self._saved, lambda tensor: tensor):
                yield
        finally:
            for hook in hooks:
                hook.remove()

    def _saved(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._seen:  # noqa: SLF001
            self._seen.add(storage._cdata)  # noqa: SLF001
            self._alive.append(storage)
            self.all += storage.nbytes()
            if self._inside:
                self._inside[-1] += storage.nbytes()
            else:
                self._between += storage.nbytes()
        return tensor

    def _left(self, output: Tensor) -> None:
        self._largest = max(self._largest, self._inside.pop())
        self._between += output.numel() * output.element_size()


@contextmanager
def _attention_without_pairs() -> Iterator[None]:
    """Let attention on the meta device keep what the fused kernels keep: its inputs, its output, one number a row."""
    own = F.scaled_dot_product_attention

    def fused(query: Tensor, key: Tensor, value: Tensor, *_: object, **__: object) -> Tensor:
        found: Tensor = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(query, key, value)[0]  # noqa: SLF001
        return found

    F.scaled_dot_product_attention = fused
    try:
        yield
    finally:
        F.scaled_dot_product_attention = own


def check_memory(memory: Memory, device: torch.device) -> None:
    """Refuse a training that its device cannot hold.

    Raises:
        RequestError: It needs more than there is.
    """
    if device.type == "cuda":
        there: int | None = torch.cuda.mem_get_info(device)[1]
        needed = memory.total
    else:  # the weights are there already
        there, needed = available_bytes(), memory.total - memory.weights
    if there is not None and needed > there:
        raise RequestError(
            f"the training needs about {memory}, and {device} has {there / GIGA:.1f} GB",
            remedy="Set gradient_checkpointing = true, precision = bfloat16, or a smaller batch, resolution or rank.",
        )
