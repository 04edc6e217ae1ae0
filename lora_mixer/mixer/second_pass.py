"""Hires fix: what a second pass comes to, as settings of its own."""

from __future__ import annotations

from dataclasses import replace

from lora_mixer.blend.strength import curve_at
from lora_mixer.choices import AUTOMATIC, find_sampler, find_upscaler
from lora_mixer.errors import RequestError
from lora_mixer.families import text_parts
from lora_mixer.hires import Hires, HiresSettings
from lora_mixer.mixes import LoraUse, Strength
from lora_mixer.places import CenterCrop
from lora_mixer.request import Settings

SCALE = 2.0
DENOISE = 0.7
UPSCALER = "Latent"


def hires_of(asked: Hires, first: Settings) -> HiresSettings:
    """Return a wish for a second pass with its gaps filled from the first pass.

    Raises:
        RequestError: A scale and a size are given, or a name or number is impossible.
    """
    width, height = _size(asked, first)
    sampler, schedule = _sampler(asked, first)
    find_sampler(sampler, schedule)  # refuses names there are none of
    return HiresSettings(
        scale=SCALE if asked.scale is None and asked.width is None and asked.height is None else asked.scale,
        width=width,
        height=height,
        upscaler=find_upscaler(asked.upscaler or UPSCALER).name,  # of a network, as it was asked for
        steps=asked.steps or first.steps,
        denoise=DENOISE if asked.denoise is None else asked.denoise,
        sampler=sampler,
        schedule=schedule,
        cfg=first.cfg if asked.cfg is None else asked.cfg,
        prompt=asked.prompt,
        negative=asked.negative,
    )


def second_pass(first: Settings, hires: HiresSettings) -> Settings:
    """Return the settings of the second pass as those of a picture of its own."""
    takes_eta = find_sampler(hires.sampler).row.eta is not None
    return replace(
        first,
        hires=None,
        width=hires.width,
        height=hires.height,
        steps=hires.steps,
        cfg=hires.cfg,
        sampler=hires.sampler,
        schedule=hires.schedule,
        eta=first.eta if takes_eta else None,
        prompt=first.prompt if hires.prompt is None else hires.prompt,
        negative=first.negative if hires.negative is None else hires.negative,
    )


def crop_of(first: Settings, hires: HiresSettings, scale: int) -> CenterCrop | None:
    """Return what of the first pass's picture the second one draws; None where it draws all of it.

    Args:
        first: The settings of the first pass.
        hires: Those of the second.
        scale: Pixels a side of a cell of the latent.
    """
    size, kept = ((one.height // scale, one.width // scale) for one in (first, hires))
    crop = CenterCrop.covering(size, kept)
    return crop if hires.scale is None and crop.cuts else None


def ended(use: LoraUse) -> LoraUse:
    """Return an adapter of the first pass as it acts in the second: its strength over the steps stays at its end."""
    given = use.strength
    if given.curve is None:
        return use
    text = {part: given.of(part) for part in text_parts()}
    last = curve_at(given.curve, 1.0)
    held: Strength = replace(given, denoiser=given.denoiser * last, text=text, curve=None)
    return replace(use, strength=held)


def _size(asked: Hires, first: Settings) -> tuple[int, int]:
    if asked.scale is not None and (asked.width or asked.height):
        raise RequestError("hires fix is given a scale and a size", remedy="Give one of them.")
    if asked.width or asked.height:
        width = asked.width or _along(first.width, asked.height or 0, first.height)
        height = asked.height or _along(first.height, asked.width or 0, first.width)
        return width, height
    scale = SCALE if asked.scale is None else asked.scale
    if not 0.125 <= scale <= 16:
        raise RequestError(f"hires scale {scale:g} is out of range", remedy="Scales are usually from 1.25 to 2.")
    return int(first.width * scale) // 8 * 8, int(first.height * scale) // 8 * 8


def _along(side: int, to: int, other: int) -> int:
    """Return what a side becomes when the other one becomes `to`, as a multiple of 8."""
    return side * to // other // 8 * 8


def _sampler(asked: Hires, first: Settings) -> tuple[str, str]:
    """Return the sampler and schedule; the first pass's schedule stays where the sampler takes it."""
    if asked.sampler is None:
        return first.sampler, asked.schedule or first.schedule
    if asked.schedule is not None:
        return asked.sampler, asked.schedule
    row = find_sampler(asked.sampler).row
    return asked.sampler, first.schedule if first.schedule in row.schedules else AUTOMATIC
