"""Facts that distinguish a run's pictures, as text, for indexes and sheets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lora_mixer.ledger.ledger import Ledger
from lora_mixer.prompt import Keyframes, parse_tag, tag_places
from lora_mixer.request import Settings

Facts = dict[str, str]
OFF = "off"
"""The fact of a picture that does not use one of the run's LoRAs."""

OF_SETTINGS = ("prompt", "negative", "model", "seed", "sampler", "steps", "cfg", "size", "clip_skip", "name")


def facts_of(settings: Settings) -> Facts:
    """Return a picture's facts: the strength of every LoRA of its list and its tags, then its settings.

    A LoRA is known by its name; one called like a setting, such as `seed`, by `lora:seed`.
    """
    mix = {f"lora:{name}" if name in OF_SETTINGS else name: strength for name, strength in _mix(settings).items()}
    return mix | {
        "prompt": settings.prompt,
        "negative": settings.negative,
        "model": settings.model,
        "seed": str(settings.seed),
        "sampler": f"{settings.sampler} {settings.schedule}",
        "steps": str(settings.steps),
        "cfg": f"{settings.cfg:g}",
        "size": f"{settings.width}x{settings.height}",
        "clip_skip": str(settings.clip_skip),
    }


def _mix(settings: Settings) -> dict[str, str]:
    """Return the strength of each LoRA as text; one that is named twice acts with the sum."""
    named: dict[str, list[float | str]] = {}
    for use in settings.loras:
        named.setdefault(use.name, []).append(use.strength.denoiser)
    for place in tag_places(settings.prompt, grammar=settings.grammar):
        tag = parse_tag(settings.prompt, place.at, place.end)
        strength = tag.text if tag.denoiser is None else tag.denoiser
        written = settings.prompt[place.at : place.end]
        named.setdefault(place.name, []).append(written if isinstance(strength, Keyframes) else strength)
    return {name: _sum(strengths) for name, strengths in named.items()}


def _sum(strengths: Sequence[float | str]) -> str:
    texts = [strength for strength in strengths if isinstance(strength, str)]
    return " + ".join(texts) or f"{sum(strength for strength in strengths if not isinstance(strength, str)):g}"


def facts_of_run(ledger: Ledger) -> dict[int, Facts]:
    """Return the facts of every picture of a plan, made or not, by its number.

    One whose settings could not be found out (its LoRA is missing, say) is left out.
    """
    found = {}
    for index, job in enumerate(ledger.plan.jobs):
        settings = ledger.entries[index].record.settings if index in ledger.entries else job.settings
        if settings is not None:
            found[index] = facts_of(settings) | {"name": job.name}
    loras = dict.fromkeys(name for facts in found.values() for name in facts if name not in OF_SETTINGS)
    return {index: dict.fromkeys(loras, OFF) | facts for index, facts in found.items()}


def in_order(values: Iterable[str]) -> list[str]:
    """Return distinct values in reading order: none, then numbers by size, then words as they came.

    >>> in_order(["1", "0.5", "off", "1"])
    ['off', '0.5', '1']
    """
    return sorted(dict.fromkeys(values), key=lambda value: (value != OFF, _number(value)))


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return float("inf")
