"""Hires fix: a second pass over an enlarged picture. What somebody asks of it, and what it comes to."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, fields, replace

from lora_mixer.fieldtypes import check_fields


@dataclass(frozen=True, slots=True)
class Hires:
    """A second pass somebody asks for. Everything may be left to the defaults; give a scale or a size, not both.

    Attributes:
        scale: How many times as wide and high the picture becomes; 2 if no size is given either.
        width: In pixels, a multiple of 8.
        height: Likewise.
        upscaler: How it is enlarged, by A1111's name: latents as they are (`Latent ...`), or the decoded picture.
        steps: Steps of the second pass; None or 0 takes as many as the first.
        denoise: How much of the picture is drawn anew, above 0 and up to 1.
        sampler: Its sampler; None takes the first's.
        schedule: Its schedule; None takes the first's where the sampler takes that.
        cfg: How strongly its prompt guides; None takes the first's.
        prompt: Its prompt with LoRA tags of its own; None takes the first's.
        negative: Likewise.
    """

    scale: float | None = None
    _: KW_ONLY
    width: int | None = None
    height: int | None = None
    upscaler: str | None = None
    steps: int | None = None
    denoise: float | None = None
    sampler: str | None = None
    schedule: str | None = None
    cfg: float | None = None
    prompt: str | None = None
    negative: str | None = None

    def __post_init__(self) -> None:
        """Refuse values of the wrong type."""
        check_fields(self)

    def over(self, defaults: Hires | None) -> Hires:
        """Return this wish with its gaps filled from `defaults`; a size here takes the place of a scale there."""
        if defaults is None:
            return self
        gaps = {f.name: getattr(defaults, f.name) for f in fields(self) if getattr(self, f.name) is None}
        if self.scale is not None:
            gaps |= {"width": None, "height": None}
        elif self.width is not None or self.height is not None:
            gaps["scale"] = None
        return replace(self, **gaps)


@dataclass(frozen=True, slots=True, kw_only=True)
class HiresSettings:
    """A second pass with every gap filled.

    Attributes:
        scale: How many times as wide and high, if that was asked for; `width` and `height` follow from it.
        width: In pixels.
        height: In pixels.
        upscaler: How it is enlarged.
        steps: How many steps are taken.
        denoise: How much of the picture is drawn anew.
        sampler: Its sampler.
        schedule: Its schedule.
        cfg: How strongly its prompt guides.
        prompt: A prompt of its own; None is the first pass's.
        negative: Likewise.
    """

    scale: float | None
    width: int
    height: int
    upscaler: str
    steps: int
    denoise: float
    sampler: str
    schedule: str
    cfg: float
    prompt: str | None = None
    negative: str | None = None

    def request(self) -> Hires:
        """Return the wish that asks for exactly this."""
        wish = Hires(**{f.name: getattr(self, f.name) for f in fields(Hires)})
        return wish if self.scale is None else replace(wish, width=None, height=None)


def batch_part(hires: Hires | HiresSettings | None) -> object:
    """Return what of a second pass pictures must share to be rendered in one batch: all but its guidance."""
    return None if hires is None else replace(hires, cfg=0.0, prompt=None, negative=None)
