"""A prompt that is divided into the picture's own text and those of regions."""

from __future__ import annotations

from dataclasses import dataclass

from lora_mixer.regions import Region


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRegion:
    """A region as it stands in a prompt.

    Attributes:
        region: The region; its prompt is text of the prompt language.
        at: Where its prompt begins in the text.
        negative_at: Where its negative prompt begins in the negative text; None where that is not divided.
    """

    region: Region
    at: int
    negative_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Divided:
    """A prompt and a negative prompt, divided into the picture's own and those of regions."""

    prompt: str
    negative: str
    regions: tuple[WrittenRegion, ...] = ()
