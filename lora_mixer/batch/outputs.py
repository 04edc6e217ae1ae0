"""What lies around the pictures of a run: the labelled sheet and the index, from the ledger alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lora_mixer.batch.ledger import Entry as Picture
from lora_mixer.batch.ledger import Ledger
from lora_mixer.images import RenderRecord
from lora_mixer.sheet import Cell, Entry, Failed, Labels, save_sheet, write_index

MISSING = Failed(reason="not made yet")


def lay_out(ledger: Ledger) -> tuple[Path, ...]:
    """Write `index.html` and the labelled sheet of the pictures there are; return the sheet's pages.

    Raises:
        FileError: A page cannot be written.
    """
    title = ledger.plan.title
    write_index(ledger.folder / "index.html", list(map(_entry, ledger.entries.values())), title=title)
    return save_sheet(_cells(ledger), _labels(ledger), ledger.folder / "grid.png")


def _entry(picture: Picture) -> Entry:
    """Return a picture's entry in the index: its prompt, and what it can be filtered by."""
    settings = picture.record.settings
    facts = {
        "model": settings.model,
        "seed": str(settings.seed),
        "sampler": f"{settings.sampler} {settings.schedule}",
        "steps": str(settings.steps),
        "cfg": f"{settings.cfg:g}",
    }
    mix = {use.name: f"{use.strength.unet:g}" for use in settings.loras}
    return Entry(file=picture.file, prompt=settings.prompt, facts=mix | facts)


def _cells(ledger: Ledger) -> list[list[Cell]]:
    jobs = ledger.plan.jobs
    cells: list[list[Cell]] = [[None] * (max(job.column for job in jobs) + 1) for _ in range(_rows(ledger))]
    for index, job in enumerate(jobs):
        failure = ledger.failures.get(index)
        cell: Cell = MISSING if failure is None else Failed(reason=failure.what)
        cells[job.row][job.column] = ledger.path(index) if index in ledger.entries else cell
    return cells


def _labels(ledger: Ledger) -> Labels:
    plan = ledger.plan
    captions = tuple(tuple(job.name for job in plan.jobs if job.row == row) for row in range(_rows(ledger)))
    return Labels(
        columns=plan.columns,
        rows=plan.rows,
        captions=captions if plan.captions else (),
        title=plan.title,
        footer=" · ".join(_footer([picture.record for picture in ledger.entries.values()])),
    )


def _rows(ledger: Ledger) -> int:
    return max(job.row for job in ledger.plan.jobs) + 1


def _footer(records: Iterable[RenderRecord]) -> list[str]:
    """Return what all pictures share: model, seed, sampler, steps, cfg."""
    settings = [record.settings for record in records]
    shared = [
        {one.model for one in settings},
        {f"seed {one.seed}" for one in settings},
        {one.sampler for one in settings},
        {f"{one.steps} steps" for one in settings},
        {f"cfg {one.cfg:g}" for one in settings},
    ]
    return [values.pop() for values in shared if len(values) == 1]
