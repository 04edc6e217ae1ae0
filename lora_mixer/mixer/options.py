"""The fields of a request that may be given as keywords."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from lora_mixer.hires import Hires
from lora_mixer.mixes import Loras


class RequestOptions(TypedDict, total=False):
    """`RenderRequest`'s fields but the prompt, as keyword arguments of `Mixer.render`."""

    negative: str | None
    loras: Loras
    seed: int | None
    subseed: int | None
    subseed_strength: float | None
    steps: int | None
    cfg: float | None
    cfg_rescale: float | None
    eta: float | None
    rng: str | None
    sampler: str | None
    schedule: str | None
    width: int | None
    height: int | None
    clip_skip: int | None
    emphasis: str | None
    grammar: str | None
    model: str | None
    styles: Sequence[str]
    hires: Hires | None
    preset: str | None
