"""Rearrange a run's pictures on a sheet, with columns and rows by what they differ in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lora_mixer.errors import RequestError
from lora_mixer.ledger.ledger import Ledger
from lora_mixer.runs.facts import OF_SETTINGS, Facts, facts_of_run, in_order
from lora_mixer.runs.outputs import cell_of, footer_of
from lora_mixer.sheet import Cell, Labels

Place = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """A sheet ready to be drawn.

    Attributes:
        cells: Rows of pictures.
        labels: Labels around them.
        columns: The facts that the columns differ in.
        rows: The facts that the rows differ in.
        unplaced: Numbers of pictures without a place, as their settings are unknown.
    """

    cells: list[list[Cell]]
    labels: Labels
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    unplaced: tuple[int, ...]


def regroup(
    ledger: Ledger, *, columns: Sequence[str], rows: Sequence[str], only: Mapping[str, str] | None = None
) -> Arrangement:
    """Arrange the pictures of a run by their facts.

    Args:
        ledger: The run; nothing but it is asked.
        columns: Facts (`facts_of`: a LoRA's name, `seed`, `steps`, ...) that tell the columns apart.
        rows: Those that tell the rows apart. Where only one of the two is given, the other takes what else differs.
        only: Pictures whose facts are others are left out.

    Raises:
        RequestError: There is no such fact, no picture is left, or several pictures would fall into one place.
    """
    known = facts_of_run(ledger)
    _check_names(known.values(), (*columns, *rows, *(only or {})))
    chosen = {index: facts for index, facts in known.items() if _is(facts, only or {})}
    if not chosen:
        raise RequestError(
            f"no picture has {_joined(only or {})}", remedy=f"There are {_values(known.values(), only or {})}."
        )
    also = _also(list(chosen.values()), (*columns, *rows))
    if also and columns and rows:
        raise RequestError(
            f"several pictures fall into one place: they also differ in {', '.join(also)}",
            remedy=f"Add --rows {also[0]}, or choose one with --only {also[0]}=VALUE.",
        )
    columns, rows = tuple(columns) or tuple(also), tuple(rows) or tuple(also)
    across, down = _places(chosen.values(), columns), _places(chosen.values(), rows)
    cells: list[list[Cell]] = [[None] * len(across) for _ in down]
    for index, facts in chosen.items():
        cells[down.index(_place(facts, rows))][across.index(_place(facts, columns))] = cell_of(ledger, index)
    labels = Labels(
        columns=tuple(_label(place, columns) for place in across) if columns else (),
        rows=tuple(_label(place, rows) for place in down) if rows else (),
        title=ledger.plan.title,
        footer=footer_of(ledger, chosen),
    )
    unplaced = tuple(index for index in range(len(ledger.plan.jobs)) if index not in known)
    return Arrangement(cells=cells, labels=labels, columns=columns, rows=rows, unplaced=unplaced)


def _check_names(known: Iterable[Facts], names: Iterable[str]) -> None:
    there = dict.fromkeys(name for facts in known for name in facts)
    for name in names:
        if name not in there:
            raise RequestError(
                f"{name!r} is not a fact of these pictures", remedy=f"Choose among {', '.join(there) or 'none'}."
            )


def _is(facts: Facts, only: Mapping[str, str]) -> bool:
    return all(facts[name] == value for name, value in only.items())


def _also(all_facts: Sequence[Facts], told: Sequence[str]) -> list[str]:
    """Return the facts that are needed besides to tell all pictures apart, LoRAs first, then as `OF_SETTINGS` says."""
    names = list(told)
    loras = [name for name in all_facts[0] if name not in OF_SETTINGS]
    different = len({_place(facts, names) for facts in all_facts})
    for name in (*loras, *OF_SETTINGS):
        with_it = len({_place(facts, (*names, name)) for facts in all_facts})
        if with_it > different:
            names.append(name)
            different = with_it
    return names[len(told) :]


def _places(all_facts: Collection[Facts], names: Sequence[str]) -> list[Place]:
    """Return the different places of an axis in the order of its values, the first fact changing slowest."""
    ranks = {name: {v: rank for rank, v in enumerate(in_order(f[name] for f in all_facts))} for name in names}
    places = {_place(facts, names) for facts in all_facts}
    return sorted(places, key=lambda place: [ranks[name][value] for name, value in zip(names, place, strict=True)])


def _place(facts: Facts, names: Sequence[str]) -> Place:
    return tuple(facts[name] for name in names)


def _label(place: Place, names: Sequence[str]) -> str:
    """Return what is written beside an axis; words speak for themselves, numbers with their name."""
    bare = {"prompt", "negative", "model", "sampler", "size", "name"}
    return " · ".join(value if name in bare else f"{name} {value}" for name, value in zip(names, place, strict=True))


def _joined(only: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in only.items()) or "known settings"


def _values(known: Iterable[Facts], only: Mapping[str, str]) -> str:
    all_facts = list(known)
    parts = (f"{name} {', '.join(in_order(facts[name] for facts in all_facts))}" for name in only)
    return "; ".join(parts) or "no settings on record"
