"""From an infotext back to a request, as far as the text says."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from lora_mixer.choices import EMPHASES
from lora_mixer.hires import Hires
from lora_mixer.images.infotext import Infotext
from lora_mixer.images.readers.draft import shown, stem
from lora_mixer.images.readers.names import A1111, SDNEXT, ProgramNames
from lora_mixer.images.record import RenderRecord
from lora_mixer.images.regional_prompter import PREFIX, placed_texts
from lora_mixer.request import MAX_SIDE, RenderRequest
from lora_mixer.settings import PICTURE, SECOND_PASS, Table
from lora_mixer.settings.infotext import read_infotext

SCHEDULES = ("Karras", "Exponential", "Polyexponential", "SGM Uniform", "Uniform", "Simple", "Normal", "DDIM", "Beta")
AUTOMATIC = "Automatic"
SCHEDULED = (1, 9)
"""Since this version of A1111 schedules are chosen apart from samplers; before, a bare sampler's was Uniform."""
BY_PROGRAM = frozenset({"rng", "sampler", "schedule", "emphasis", "model"})
"""Settings whose values mean what the program that wrote them says."""
NUMBERS = Table(tuple(row for row in PICTURE if row.infotext and row.name not in BY_PROGRAM))
UNDERSTOOD = frozenset(
    {key for row in PICTURE for key in (row.infotext, *row.infotext_too) if key is not None}
    | {
        "Size",
        "Model hash",
        "VAE hash",
        "Lora hashes",
        "Lora weights",
        "TI hashes",
        "TI",
        "Hashes",
        "Version",
        "App",
        "User",
    }
    | {"Civitai resources", "Civitai metadata", "Created Date", "Scheduler", "Raw prompt", "Raw negative prompt"}
)
ELSEWHERE = ("Hires ", PREFIX)
"""How keys begin that are read elsewhere, and told of there."""
HIRES = frozenset(
    {row.infotext for row in SECOND_PASS if row.infotext is not None and row.infotext.startswith("Hires ")}
    | {"Hires resize"}
)
ALIASES: Mapping[str, str] = MappingProxyType(
    {key.lower(): key for key in UNDERSTOOD | HIRES | {"Denoising strength"}}
    | {
        "clip-skip": "Clip skip",
        "variation strength": "Variation seed strength",
        "hires scale": "Hires upscale",
        "hires fixed": "Hires resize",
        "hires strength": "Denoising strength",
        "guidance scale": "CFG scale",
        "scheduler type": "Schedule type",
    }
)
"""A key in small letters -> A1111's, for those whose writers spell it otherwise (SD.Next, ComfyUI's saving nodes)."""
LEFT_OUT: Mapping[str, Any] = MappingProxyType({"upscale": 1.0})
"""What a text means by what it leaves out, where a model's own default may be another: a picture that was not enlarged."""
UNNAMED = frozenset({"", "none", "undefined", "default"})
NOISES: Mapping[str, str] = MappingProxyType({"gpu": "nv", "nv": "nv", "cpu": "cpu"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """A program that writes A1111's form, and what its pictures mean by what they leave out.

    Attributes:
        source: What it is called.
        told: Whether a text's fields are this program's.
        names: Its names of samplers and schedules.
        grammar: How its prompts are read; None where no grammar here is its own.
        rng: Where noise comes from if `RNG` is not named; None: it does not say.
    """

    source: str
    told: Callable[[Mapping[str, str]], bool]
    names: ProgramNames = A1111
    grammar: str | None = "a1111"
    rng: str | None = None


KINS = (
    Kin(source="lora-mixer", told=lambda f: f.get("Version", "").startswith("lora-mixer"), grammar=None, rng="cpu"),
    Kin(source="civitai", told=lambda f: "Civitai resources" in f or "Civitai metadata" in f),
    Kin(source="sd-next", told=lambda f: f.get("App") == "SD.Next" or f.get("Backend") == "Diffusers", names=SDNEXT),
    Kin(source="fooocus", told=lambda f: f.get("Version", "").startswith("Fooocus"), grammar=None),
    Kin(source="comfyui", told=lambda f: f.get("Version", "").startswith("ComfyUI"), grammar=None),
    Kin(source="a1111", told=lambda _: True, rng="nv"),
)
"""The first that says yes is it."""


def kin_of(text: Infotext) -> Kin:
    """Return the program that wrote an infotext."""
    return next(kin for kin in KINS if kin.told(text.fields))


def request_of(text: Infotext, kin: Kin | None = None) -> tuple[RenderRequest, tuple[str, ...]]:
    """Return the request an infotext amounts to, and notes on what it could not carry over.

    LoRA tags stay in the prompt, where they mean what they meant. `Automatic` as a schedule is left open, and
    samplers of old texts (`DPM++ 2M Karras`) are split into sampler and schedule.
    """
    kin, fields, notes = kin or kin_of(text), _canonical(text.fields), list[str]()
    sampler, schedule = _sampler(fields, kin, notes)
    width, height = _size(fields.get("Size", ""))
    read = read_infotext(fields, NUMBERS)
    notes += [f"{key}: {shown(fields[key])} is not a value we can use" for key in read.unusable]
    hires = _hires(fields, notes)
    start = _start(read.values, kin, hires, notes)
    understood = UNDERSTOOD if hires is None else UNDERSTOOD | {"Denoising strength"}
    notes += [f"{key} is not carried over" for key in fields if key not in understood and not key.startswith(ELSEWHERE)]
    grammar = kin.grammar if fields else None
    placed = placed_texts(fields, text.prompt, text.negative, grammar or PICTURE["grammar"].default)
    notes += placed.notes
    if placed.regions:
        read.values["regions"] = placed.regions
    model = fields.get("Model")
    request = RenderRequest(
        prompt=placed.prompt,
        negative=placed.negative if text.fields else None,
        rng=_noise(fields, kin, notes),
        sampler=sampler,
        schedule=schedule,
        width=width,
        height=height,
        emphasis=_emphasis(fields, kin),
        grammar=grammar,
        model=stem(model) if model else None,
        hires=hires,
        **(dict(LEFT_OUT) if fields else {}) | read.values | start,
    )
    return request, tuple(notes)


def _start(values: Mapping[str, Any], kin: Kin, hires: Hires | None, notes: list[str]) -> dict[str, Any]:
    """Return what a text says of the picture it started from, which it does not hold; a second pass has the same key.

    A1111 takes a step more than the share says (`setup_img2img_steps`), so its share is told as the one that takes as many
    here.
    """
    if hires is not None or values.get("denoise") is None:
        return {"denoise": None}
    notes.append("it was drawn from another picture, which the text does not hold: give it as init")
    denoise, steps = values["denoise"], values.get("steps")
    if kin.source not in {"a1111", "civitai"} or not steps:
        return {"denoise": denoise or None}
    taken = int(min(denoise, 0.999) * steps) + 1
    return {"denoise": min(1.0, math.ceil(taken / steps * 10_000) / 10_000)}


def _canonical(fields: Mapping[str, str]) -> dict[str, str]:
    canonical: dict[str, str] = {}
    for key, value in fields.items():
        canonical.setdefault(ALIASES.get(key.lower(), key), value)
    return canonical


def _emphasis(fields: Mapping[str, str], kin: Kin) -> str | None:
    """Return how brackets weigh: A1111 names it only where it is not `Original`."""
    said = fields.get("Emphasis", "").lower()
    if said in EMPHASES:
        return said
    return "original" if fields and kin.rng is not None and not said else None


def _noise(fields: Mapping[str, str], kin: Kin, notes: list[str]) -> str | None:
    """Return where noise came from: A1111 names it only where it is not the GPU."""
    said = fields.get("RNG", "").strip().lower()
    if said in NOISES:
        return NOISES[said]
    if said:
        notes.append(f"RNG: {shown(said)} is not a value we can use")
    elif kin.rng == "nv" and fields:
        notes.append("no RNG is named, which means noise of the graphics card; it is drawn as an NVIDIA card draws it")
        return "nv"
    return None if said else kin.rng


def _sampler(fields: Mapping[str, str], kin: Kin, notes: list[str]) -> tuple[str | None, str | None]:
    """Return sampler and schedule; names of A1111 stay as they are, those of other programs are looked up."""
    sampler, schedule = _named(fields.get("Sampler")), fields.get("Schedule type", fields.get("Scheduler"))
    if sampler is None and kin.names.sampler(schedule):
        sampler, schedule = schedule, None  # SD.Next names only the class where the model's own sampler is used
    if schedule is not None and schedule.lower().endswith("scheduler"):
        schedule = None
    schedule = fields.get("Sampler sigma", schedule)
    if schedule is not None:
        schedule = kin.names.schedules.get(schedule.lower()) or schedule
    if sampler is None or _is_a1111s(sampler):
        return _of_its_time(fields, *_split_sampler(sampler, schedule))
    found = kin.names.sampler(sampler)
    if found is None and (sampler.lower() in kin.names.samplers or "_" in sampler):
        notes.append(f"not understood: sampler {shown(sampler)}")
        return None, schedule
    ours, ending = found or (sampler, None)
    return ours, schedule or ending


def _named(value: str | None) -> str | None:
    return None if value is None or value.strip().lower() in UNNAMED else value


def _is_a1111s(sampler: str) -> bool:
    return sampler != sampler.lower() and "_" not in sampler and sampler.lower() not in SDNEXT.samplers


def _of_its_time(fields: Mapping[str, str], sampler: str | None, schedule: str | None) -> tuple[str | None, str | None]:
    """Return a bare sampler with the schedule it had before schedules could be chosen, if the version says so."""
    version = _VERSION.fullmatch(fields.get("Version", ""))
    if sampler and schedule is None and version and (int(version[1]), int(version[2])) < SCHEDULED:
        return sampler, "Uniform"
    return sampler, schedule


def _hires(fields: Mapping[str, str], notes: list[str]) -> Hires | None:
    """Return the second pass that a text tells of; a denoising strength alone is that of an image to image."""
    if not any(key.startswith("Hires ") for key in fields):
        return None
    notes += [f"{key} is not carried over" for key in fields if key.startswith("Hires ") and key not in HIRES]
    read = read_infotext(fields, SECOND_PASS).values
    sampler, schedule = _split_sampler(fields.get("Hires sampler"), fields.get("Hires schedule type"))
    width, height = _resize(fields.get("Hires resize", ""))
    read |= {"sampler": sampler, "schedule": schedule or fields.get("Hires schedule type")}
    read |= {"upscaler": fields.get("Hires upscaler"), "width": width, "height": height}
    return replace(Hires(), **read | ({"scale": None} if width or height else {}))


def request_of_record(record: RenderRecord) -> RenderRequest:
    """Return the request that a record of ours answers, with every value stated."""
    return record.settings.request()


_VERSION = re.compile(r"v?(\d{1,3})\.(\d{1,3})\.\d.*")


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
    if sampler and schedule and sampler.endswith(f" {schedule}"):
        return sampler.removesuffix(f" {schedule}"), schedule
    if sampler and not schedule:
        for name in SCHEDULES:
            if sampler.endswith(f" {name}"):
                return sampler.removesuffix(f" {name}"), name
    return sampler, schedule
