"""From an infotext back to a request: as much of it as the text says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from lora_mixer.hires import Hires
from lora_mixer.images.infotext import Infotext
from lora_mixer.images.record import RenderRecord
from lora_mixer.request import MAX_ETA, MAX_SEED, MAX_SIDE, MAX_STEPS, RenderRequest

SCHEDULES = ("Karras", "Exponential", "Polyexponential", "SGM Uniform", "Uniform", "Simple", "Normal", "DDIM", "Beta")
AUTOMATIC = "Automatic"
EMPHASES = frozenset({"original", "no norm", "ignore"})
UNDERSTOOD = frozenset(
    {"Steps", "Sampler", "Schedule type", "CFG scale", "Seed", "Size", "Model", "Model hash", "Clip skip"}
    | {"Variation seed", "Variation seed strength", "CFG Rescale", "Eta", "Eta DDIM"}
    | {"Lora hashes", "TI hashes", "TI", "Hashes", "Version", "RNG", "Emphasis"}
)


HIRES = frozenset(
    {"Hires sampler", "Hires prompt", "Hires negative prompt", "Hires CFG Scale", "Hires schedule type"}
    | {"Hires resize", "Hires upscale", "Hires steps", "Hires upscaler"}
)


def request_of(text: Infotext) -> tuple[RenderRequest, tuple[str, ...]]:
    """Return the request an infotext amounts to, and notes on what it could not carry over.

    LoRA tags stay in the prompt, where they mean what they meant. `Automatic` as a schedule is left open, and
    samplers of old texts (`DPM++ 2M Karras`) are split into sampler and schedule.
    """
    fields, notes = text.fields, []
    sampler, schedule = _split_sampler(fields.get("Sampler"), fields.get("Schedule type"))
    width, height = _size(fields.get("Size", ""))
    values: dict[str, int | float | None] = {}
    for key, (name, read, low, high) in _NUMBERS.items():
        value = _number(fields.get(key), read, low, high)
        values[name] = values.get(name) if value is None else value
        if key in fields and value is None:
            notes.append(f"{key}: {fields[key]} is not a value we can use")
    hires = _hires(fields, notes)
    understood = UNDERSTOOD if hires is None else UNDERSTOOD | {"Denoising strength"}
    notes += [f"{key} is not carried over" for key in fields if key not in understood and not key.startswith("Hires ")]
    request = RenderRequest(
        prompt=text.prompt,
        negative=text.negative if text.fields else None,
        seed=_int(values["seed"]),
        subseed=_int(values["subseed"]),
        subseed_strength=values["subseed_strength"],
        steps=_int(values["steps"]),
        cfg=values["cfg"],
        cfg_rescale=values["cfg_rescale"],
        eta=values["eta"],
        clip_skip=_int(values["clip_skip"]),
        sampler=sampler,
        schedule=schedule,
        width=width,
        height=height,
        emphasis=emphasis if (emphasis := fields.get("Emphasis", "").lower()) in EMPHASES else None,
        model=fields.get("Model"),
        hires=hires,
    )
    return request, tuple(notes)


def _hires(fields: Mapping[str, str], notes: list[str]) -> Hires | None:
    """Return the second pass that a text tells of; a denoising strength alone is that of an image to image."""
    if not any(key.startswith("Hires ") for key in fields):
        return None
    notes += [f"{key} is not carried over" for key in fields if key.startswith("Hires ") and key not in HIRES]
    sampler, schedule = _split_sampler(fields.get("Hires sampler"), fields.get("Hires schedule type"))
    width, height = _resize(fields.get("Hires resize", ""))
    return Hires(
        scale=None if width or height else _number(fields.get("Hires upscale"), float, 0, 16),
        width=width,
        height=height,
        upscaler=fields.get("Hires upscaler"),
        steps=_int(_number(fields.get("Hires steps"), int, 0, MAX_STEPS)),
        denoise=_number(fields.get("Denoising strength"), float, 0, 1),
        sampler=sampler,
        schedule=schedule or fields.get("Hires schedule type"),
        cfg=_number(fields.get("Hires CFG Scale"), float, 0, 100),
        prompt=fields.get("Hires prompt"),
        negative=fields.get("Hires negative prompt"),
    )


def request_of_record(record: RenderRecord) -> RenderRequest:
    """Return the request that a record of ours answers, with every value stated."""
    return record.settings.request()


_NUMBERS: Mapping[str, tuple[str, Callable[[str], float], float, float]] = MappingProxyType(
    {
        "Steps": ("steps", int, 1, MAX_STEPS),
        "CFG scale": ("cfg", float, 0, 100),
        "Seed": ("seed", int, 0, MAX_SEED),
        "Variation seed": ("subseed", int, 0, MAX_SEED),
        "Variation seed strength": ("subseed_strength", float, 0, 1),
        "CFG Rescale": ("cfg_rescale", float, 0, 1),
        "Eta DDIM": ("eta", float, 0, MAX_ETA),
        "Eta": ("eta", float, 0, MAX_ETA),
        "Clip skip": ("clip_skip", int, 1, 12),
    }
)


def _number(text: str | None, read: Callable[[str], float], low: float, high: float) -> float | None:
    if text is None or len(text) > 40:
        return None
    try:
        value = read(text)
    except ValueError:
        return None
    return value if low <= value <= high else None


def _int(value: float | None) -> int | None:
    return None if value is None else int(value)


def _size(text: str) -> tuple[int | None, int | None]:
    width, _, height = text.partition("x")
    sides = [_number(side.strip(), int, 1, MAX_SIDE) for side in (width, height)]
    return (None, None) if None in sides else (_int(sides[0]), _int(sides[1]))


def _resize(text: str) -> tuple[int | None, int | None]:
    """Return the sides of a resize, where A1111 writes 0 for one that follows from the other."""
    width, _, height = text.partition("x")
    wide, high = (_int(_number(side.strip(), int, 0, MAX_SIDE)) or None for side in (width, height))
    return wide, high


def _split_sampler(sampler: str | None, schedule: str | None) -> tuple[str | None, str | None]:
    if schedule == AUTOMATIC:
        return sampler, None
    if sampler and not schedule:
        for name in SCHEDULES:
            if sampler.endswith(f" {name}"):
                return sampler.removesuffix(f" {name}"), name
    return sampler, schedule
