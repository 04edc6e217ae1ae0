"""Names and shapes of a model's modules: the one vocabulary that files, models and mixing share.

A module's canonical name is a part and diffusers' or transformers' dotted path inside it, text encoders always
with their `text_model.` level, whatever the installed transformers calls it:

>>> str(ModuleName("unet", "mid_block.resnets.0.conv1"))
'unet:mid_block.resnets.0.conv1'
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

Shape = tuple[int, ...]


class ModuleName(NamedTuple):
    """A module of a model: `part` is `unet`, `te1` (first text encoder) or `te2` (second)."""

    part: str
    path: str

    def __str__(self) -> str:
        """Return `part:path`."""
        return f"{self.part}:{self.path}"


class LayerType(StrEnum):
    """What a module does with its weight."""

    LINEAR = "linear"  # weight (out, in)
    CONV = "conv"  # weight (out, in, kh, kw)
    NORM = "norm"  # weight (channels,): LayerNorm and GroupNorm
    EMBEDDING = "embedding"  # weight (rows, width)


class Family(StrEnum):
    """A base architecture; adapters of one do not fit another."""

    SD1 = "sd1"
    SD2 = "sd2"
    SDXL = "sdxl"
    SDXL_REFINER = "sdxl-refiner"
    EMOJI = "emoji"  # the embedded model: SD 1.x in small

    @property
    def full_name(self) -> str:
        """The name people use."""
        return _FAMILY_TITLES[self]


_FAMILY_TITLES = {
    Family.SD1: "Stable Diffusion 1.x",
    Family.SD2: "Stable Diffusion 2.x",
    Family.SDXL: "SDXL",
    Family.SDXL_REFINER: "SDXL refiner",
    Family.EMOJI: "the embedded emoji model",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSpec:
    """One module with parameters an adapter can change."""

    name: ModuleName
    operator: LayerType
    weight: Shape
    bias: Shape | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleIndex:
    """Every module of a model that an adapter can change, by canonical name, in the model's own order."""

    family: Family
    modules: Mapping[ModuleName, ModuleSpec]

    def __iter__(self) -> Iterator[ModuleSpec]:
        """Iterate over the modules."""
        return iter(self.modules.values())

    def __len__(self) -> int:
        """Return the number of modules."""
        return len(self.modules)

    def parts(self) -> tuple[str, ...]:
        """Return the model's parts in order, for example `("unet", "te1", "te2")`."""
        return tuple(dict.fromkeys(name.part for name in self.modules))


def section(name: ModuleName) -> str:
    """Return the section of the model a report counts this module in.

    >>> section(ModuleName("unet", "down_blocks.1.resnets.0.conv1"))
    'unet down'
    >>> section(ModuleName("te1", "text_model.encoder.layers.0.mlp.fc1"))
    'te1'
    """
    if name.part != "unet":
        return name.part
    head = name.path.split("_", 1)[0]
    return f"unet {head}" if head in {"down", "mid", "up"} else "unet other"
