"""A LoRA from two checkpoints: the low-rank factors of W_tuned - W_base.

Layer by layer: the weights of both stay in their files, and no more than one layer's change is in memory. Each change is
cut to the rank by its largest singular values, which is the nearest there is, and what is left out is told by block.
Alpha is written as the rank, so that strength 1 on the base comes nearest to the tuned model.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from lora_mixer.adapters import Delta, Weights, compress_matrix
from lora_mixer.errors import RequestError, WrongFamilyError
from lora_mixer.export.lora_file import MAX_RANK, OnModule, network_metadata
from lora_mixer.export.report import BakeReport, Cut, errors_by_block
from lora_mixer.export.slots import factor_slots, norm_slots
from lora_mixer.export.spelling import kohya_name
from lora_mixer.export.writing import dtype_of, require_free, write_tensors
from lora_mixer.models import Model
from lora_mixer.modules import LayerType, ModuleSpec
from lora_mixer.version import __version__
from lora_mixer.wording import counted

KEY = "lora_mixer.extract"
"""The metadata key under which a file says which models it was extracted from."""
DYNAMIC = "Dynamic"
"""sd-scripts' word for ranks that differ from layer to layer (`networks/resize_lora.py`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """How a LoRA is extracted.

    Attributes:
        rank: The highest rank of a layer.
        conv_rank: The highest rank of convolutions larger than 1x1; None means `rank`, 0 leaves them out.
        share: Each layer gets the lowest rank that holds this share of its change's squared norm; 1 gives every layer `rank`.
        norms: Whether changes of norms and biases are written, too, which diffusers does not read.
        dtype: What the tensors are stored in.
    """

    rank: int = 32
    conv_rank: int | None = None
    share: float = 1.0
    norms: bool = False
    dtype: str = "float16"

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        for name, low in (("rank", 1), ("conv_rank", 0)):
            value = getattr(self, name)
            if value is not None and not low <= value <= MAX_RANK:
                raise RequestError(f"{name} {value} is out of range", remedy=f"Use a value from {low} to {MAX_RANK}.")
        if not 0 < self.share <= 1:
            raise RequestError(f"share {self.share:g} is out of range", remedy="Use a value above 0, up to 1.")
        dtype_of(self.dtype)

    def rank_of(self, spec: ModuleSpec) -> int:
        """Return the most ranks of a layer."""
        wide = len(spec.weight) == 4 and spec.weight[2:] != (1, 1)
        return self.rank if not wide or self.conv_rank is None else self.conv_rank


@torch.no_grad()
def extract_lora(
    tuned: Model,
    base: Model,
    path: Path,
    how: Extraction | None = None,
    *,
    overwrite: bool = False,
    on_module: OnModule | None = None,
) -> BakeReport:
    """Write the difference between a tuned model and its base as one LoRA.

    Args:
        tuned: The tuned model; see `lora_mixer.models.open_as_stored`.
        base: What it was tuned from, or anything of the same family.
        path: The `.safetensors` file to write.
        how: Ranks and forms.
        overwrite: Replace what lies there.
        on_module: Called after every layer.

    Raises:
        RequestError: A value is impossible, or the two do not differ.
        WrongFamilyError: They are of two families.
        FileError: It cannot be written.
    """
    how = how or Extraction()
    check_place(path, overwrite=overwrite)
    if tuned.family is not base.family:
        raise WrongFamilyError(
            f"{tuned.name} is a {tuned.family.title} model and {base.name} a {base.family.title} one",
            remedy="Extract between two models of one family.",
        )
    tensors: dict[str, Tensor] = {}
    cuts: list[tuple[ModuleSpec, Cut]] = []
    left: Counter[str] = Counter()
    for done, spec in enumerate(base.index, start=1):
        spelled = kohya_name(spec.name, base.family, base.index)
        for slot, value in _slots(spec, tuned, base, how, cuts, left):
            tensors[f"{spelled}.{slot}"] = value if slot == "alpha" else value.to(dtype_of(how.dtype))
        if on_module is not None:
            on_module(done, len(base.index))
    if not tensors:
        raise _nothing(tuned, base, left)
    write_tensors(path, tensors, _metadata(tuned, base, path, how))
    return BakeReport(path=path, modules=len(cuts), blocks=errors_by_block(cuts), notes=_notes(tuned, base, left))


def check_place(path: Path, *, overwrite: bool) -> None:
    """Refuse a path where no LoRA can be written.

    Raises:
        RequestError: The name has another ending.
        FileError: Something lies there, or there is no such folder.
    """
    if path.suffix != ".safetensors":
        raise RequestError("a LoRA must be a .safetensors file", where=str(path), remedy="Give it that ending.")
    require_free(path, overwrite=overwrite)


def _slots(
    spec: ModuleSpec,
    tuned: Model,
    base: Model,
    how: Extraction,
    cuts: list[tuple[ModuleSpec, Cut]],
    left: Counter[str],
) -> Iterator[tuple[str, Tensor]]:
    """Yield a module's slots; note how far they reach in `cuts`, and in `left` what is left out of the file."""
    there = tuned.index.modules.get(spec.name)
    if there is None or there.weight != spec.weight or there.bias != spec.bias:
        left["layers of another shape"] += 1
        return
    pristine = _weights(base.module(spec.name))
    weight, shift = _change(_weights(tuned.module(spec.name)), pristine)
    if spec.operator is LayerType.NORM and how.norms and (weight is not None or shift is not None):
        yield from norm_slots(Delta(weight=weight, bias=shift), pristine)
    elif spec.operator in {LayerType.LINEAR, LayerType.CONV} and weight is not None and how.rank_of(spec):
        one = compress_matrix(weight.flatten(1), how.rank_of(spec), share=how.share, exactly=False)
        cuts.append((spec, Cut.of(one)))
        yield from factor_slots(one, shift if how.norms else None, pristine)
        left["biases"] += shift is not None and not how.norms
    else:
        left[_what(spec)] += weight is not None or shift is not None


def _what(spec: ModuleSpec) -> str:
    """Return what a module that is left out is called."""
    return {LayerType.NORM: "norms", LayerType.EMBEDDING: "embeddings"}.get(spec.operator, "biases")


def _weights(module: nn.Module) -> Weights:
    bias = getattr(module, "bias", None)
    return Weights(module.get_parameter("weight"), bias)


def _change(tuned: Weights, base: Weights) -> tuple[Tensor | None, Tensor | None]:
    """Return the change of weight and bias in float32; None where there is none."""
    bias = None if tuned.bias is None or base.bias is None else difference(tuned.bias, base.bias)
    return difference(tuned.weight, base.weight), bias


def difference(tuned: Tensor, base: Tensor) -> Tensor | None:
    """Return tuned - base in float32; None where one is the other, or is it rounded to its own dtype."""
    if torch.equal(base.to(tuned.dtype), tuned) or torch.equal(tuned.to(base.dtype), base):
        return None
    return tuned.float() - base.float()


def _nothing(tuned: Model, base: Model, left: Counter[str]) -> RequestError:
    if any(left.values()):
        return RequestError(
            f"{tuned.name} differs from {base.name} only in {_told(left)}",
            remedy="--norms writes norms and biases; a LoRA has no place for embeddings.",
        )
    return RequestError(
        f"{tuned.name} has the weights of {base.name}: there is nothing to extract",
        remedy="Name the tuned model first, and the one it was tuned from as --base.",
    )


def _told(left: Counter[str]) -> str:
    return ", ".join(f"{what} ({counted(count, 'module')})" for what, count in left.items() if count)


def _notes(tuned: Model, base: Model, left: Counter[str]) -> tuple[str, ...]:
    """Return what of the tuned model is not in the file."""
    notes = []
    if any(left.values()):
        remedy = "; --norms writes norms and biases" if left["norms"] + left["biases"] else ""
        notes.append(f"changed and not in the file: {_told(left)}{remedy}")
    if tuned.prediction != base.prediction:
        notes.append(
            f"{tuned.name} predicts {tuned.prediction} and {base.name} {base.prediction}: they need other steps"
        )
    own, other = tuned.vae.state_dict(), base.vae.state_dict()
    if own.keys() != other.keys() or any(difference(own[key], other[key]) is not None for key in own):
        notes.append(f"the VAE of {tuned.name} is another: name it with vae = in models.toml")
    return tuple(notes)


def _metadata(tuned: Model, base: Model, path: Path, how: Extraction) -> dict[str, str]:
    models = {one: {"name": model.name, "sha256": model.digest} for one, model in (("tuned", tuned), ("base", base))}
    wide = {} if how.conv_rank is None else {"conv_dim": str(how.conv_rank), "conv_alpha": str(float(how.conv_rank))}
    return {
        KEY: json.dumps({"program": f"lora-mixer {__version__}", **models, "share": how.share}),
        **network_metadata(base.family, path, str(how.rank) if how.share == 1 else DYNAMIC),
        "ss_sd_model_name": base.name,
        "ss_network_args": json.dumps(wide),
    }
