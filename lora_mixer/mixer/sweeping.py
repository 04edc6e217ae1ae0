"""A sweep: one prompt under every combination of LoRA strengths and seeds, as requests and the labels of their grid."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lora_mixer.errors import RequestError
from lora_mixer.fieldtypes import FIELD_TYPES, wrong_type
from lora_mixer.mixes import LoraUse, mix_of
from lora_mixer.request import RenderRequest
from lora_mixer.sheet import Labels

EXAMPLE = '{"line_art": [0, 0.5, 1]}'

Strengths = Mapping[str, Iterable[float]]
"""The strengths each LoRA goes through, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """The pictures of a sweep, to be rendered.

    Attributes:
        requests: Row by row.
        labels: Of the grid; it has as many columns as the first LoRA has strengths.
    """

    requests: tuple[RenderRequest, ...]
    labels: Labels


def sweep_of(base: RenderRequest, loras: Strengths, seeds: Iterable[int] | None) -> Sweep:
    """Return a request under every combination of strengths: the first LoRA along the columns, the rest along the rows.

    Args:
        base: What all pictures share.
        loras: The strengths each LoRA goes through.
        seeds: The seeds; None takes the request's, and draws one for all pictures if it has none.

    Raises:
        RequestError: There is no LoRA, or one has no strength.
    """
    first, *others = [(name, _strengths(strengths)) for name, strengths in _items(loras)] or [("", ())]
    if not all(strengths for _, strengths in (first, *others)):
        raise RequestError("a sweep goes through the strengths of LoRAs", remedy=f"Write for example {EXAMPLE}.")
    own = secrets.randbelow(2**32) if base.seed is None or base.seed < 0 else base.seed
    wanted = (own,) if seeds is None else tuple(seeds)
    names = [name for name, _ in others]
    mixes = [dict(zip(names, rest, strict=True)) for rest in itertools.product(*(each for _, each in others))]
    down = list(itertools.product(mixes, wanted))
    requests = tuple(
        replace(base, seed=seed, loras=(*base.loras, *_mix({first[0]: x} | mix)))
        for mix, seed in down
        for x in first[1]
    )
    rows = [
        [*(f"{name} {s:g}" for name, s in mix.items()), *([f"seed {seed}"] if len(wanted) > 1 else [])]
        for mix, seed in down
    ]
    labels = Labels(
        columns=tuple(f"{first[0]} {x:g}" for x in first[1]),
        rows=tuple(" · ".join(row) for row in rows) if any(rows) else (),
        title=base.prompt,
    )
    return Sweep(requests=requests, labels=labels)


def _items(loras: object) -> Iterable[tuple[str, object]]:
    if not isinstance(loras, Mapping):
        raise wrong_type("Mixer.sweep", "strengths", loras, "a table of lists by name", EXAMPLE)
    return loras.items()


def _strengths(given: object) -> tuple[float, ...]:
    strengths = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    if not all(map(FIELD_TYPES["float"].accepts, strengths)):
        raise wrong_type("Mixer.sweep", "strengths", given, "a list of numbers", EXAMPLE)
    return strengths


def _mix(strengths: Mapping[str, float]) -> tuple[LoraUse, ...]:
    return mix_of({name: strength for name, strength in strengths.items() if strength})
