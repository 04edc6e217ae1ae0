"""Names and shapes of a model's modules: the one vocabulary that files, models and mixing share.

A module's canonical name is a part and diffusers' or transformers' dotted path inside it, text encoders always
with their `text_model.` level, whatever the installed transformers calls it:

>>> str(ModuleName(DENOISER, "mid_block.resnets.0.conv1"))
'denoiser:mid_block.resnets.0.conv1'
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from lora_mixer.renamed import moved

Shape = tuple[int, ...]

DENOISER = "denoiser"
"""The part of a model that takes noise away; the other parts are its text encoders."""

BASE = "BASE"
"""The block of everything that stands in no block of the denoiser, text encoders among it."""


class Sees(StrEnum):
    """What a module's output lies over."""

    PICTURE = "picture"  # the cells of the latent
    TEXT = "text"  # the text's tokens
    TIME = "time"  # one vector a picture: the time step, sizes, pooled text


class ModuleName(NamedTuple):
    """A module of a model: `part` is the denoiser or one of the family's text encoders (`te1`, `te2`)."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSpec:
    """One module with parameters an adapter can change.

    Attributes:
        name: Its canonical name.
        operator: What it does with its weight.
        weight: The shape of its weight.
        bias: The shape of its bias; None if it has none.
        block: The block it counts to for block weights.
        level: How often both sides of the latent were halved on the way to it.
        sees: What its output lies over.
        section: What a report counts it in (`unet down`, `te1`, ...).
        original: Its name in the code base its family was published with, dots as underscores.
    """

    name: ModuleName
    operator: LayerType
    weight: Shape
    bias: Shape | None = None
    block: str = BASE
    level: int = 0
    sees: Sees = Sees.PICTURE
    section: str = ""
    original: str = ""


__getattr__ = moved(__name__)
