"""A run's labelled sheet and index, made from the ledger alone."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from lora_mixer.ledger.ledger import Ledger
from lora_mixer.ledger.ledger import LedgerEntry as Picture
from lora_mixer.runs.facts import facts_of
from lora_mixer.sheet import Cell, Failed, IndexEntry, Labels, save_sheet, write_index
from lora_mixer.wording import counted

MISSING = Failed(reason="not made yet")


def lay_out(ledger: Ledger) -> tuple[Path, ...]:
    """Write `index.html` and the labelled sheet of the pictures there are, as planned; return the sheet's pages.

    Raises:
        FileError: A page cannot be written.
    """
    title = ledger.plan.title
    write_index(ledger.folder / "index.html", list(map(_entry, ledger.entries.values())), title=title)
    return save_sheet(*planned(ledger), ledger.folder / "grid.png")


def planned(ledger: Ledger) -> tuple[list[list[Cell]], Labels]:
    """Return cells and labels of the sheet as the prompt file lays it out."""
    return _cells(ledger), _labels(ledger)


def _entry(picture: Picture) -> IndexEntry:
    """Return a picture's entry in the index: its prompt, and what it can be filtered by."""
    facts = facts_of(picture.record.settings)
    prompt = facts.pop("prompt")
    return IndexEntry(file=picture.file, prompt=prompt, facts={name: value for name, value in facts.items() if value})


def cell_of(ledger: Ledger, index: int) -> Cell:
    """Return a job's picture, or why there is none."""
    if index in ledger.entries:
        return ledger.path(index)
    failure = ledger.failures.get(index)
    return MISSING if failure is None else Failed(reason=failure.what)


def footer_of(ledger: Ledger, indices: Collection[int]) -> str:
    """Return what the pictures of these jobs share: model, seed, sampler, steps, cfg."""
    settings = [entry.record.settings for index, entry in ledger.entries.items() if index in indices]
    shared = [
        {one.model for one in settings},
        {f"seed {one.seed}" for one in settings},
        {one.sampler for one in settings},
        {counted(one.steps, "step") for one in settings},
        {f"cfg {one.cfg:g}" for one in settings},
    ]
    return " · ".join(values.pop() for values in shared if len(values) == 1)


def _cells(ledger: Ledger) -> list[list[Cell]]:
    jobs = ledger.plan.jobs
    cells: list[list[Cell]] = [[None] * (max(job.column for job in jobs) + 1) for _ in range(_rows(ledger))]
    for index, job in enumerate(jobs):
        cells[job.row][job.column] = cell_of(ledger, index)
    return cells


def _labels(ledger: Ledger) -> Labels:
    plan = ledger.plan
    captions = tuple(tuple(job.name for job in plan.jobs if job.row == row) for row in range(_rows(ledger)))
    return Labels(
        columns=plan.columns,
        rows=plan.rows,
        captions=captions if plan.captions else (),
        title=plan.title,
        footer=footer_of(ledger, range(len(plan.jobs))),
    )


def _rows(ledger: Ledger) -> int:
    return max(job.row for job in ledger.plan.jobs) + 1
