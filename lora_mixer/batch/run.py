"""A prompt file rendered into a folder: pictures, one manifest line each, and the labelled sheet."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lora_mixer.batch.manifest import Manifest
from lora_mixer.batch.promptfile import PromptFile
from lora_mixer.errors import FileError, LoraMixerError
from lora_mixer.images import RenderRecord, save_picture
from lora_mixer.sheet import Cell, Entry, Failed, Labels, save_sheet, write_index

if TYPE_CHECKING:
    from lora_mixer.mixer import Cancel, Mixer, Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run left behind.

    Attributes:
        rendered: Pictures made.
        manifest: The manifest file.
        sheets: Pages of the labelled sheet.
        seconds: Wall-clock time, the model already open.
    """

    rendered: int
    manifest: Path
    sheets: tuple[Path, ...]
    seconds: float


def run(
    mixer: Mixer,
    plan: PromptFile,
    output: Path,
    *,
    batch: int = 4,
    on_progress: Callable[[Progress], None] | None = None,
    cancel: Cancel | None = None,
) -> RunResult:
    """Render every job of a plan into a folder: `images/NNNN.png`, `manifest.jsonl`, `grid.png`, `index.html`.

    Each picture is written and entered in the manifest as soon as it is done, so what is finished stays whatever
    happens later.

    Args:
        mixer: The open model.
        plan: The prompt file.
        output: The folder; made if missing, an earlier run's files of the same names are replaced.
        batch: Pictures rendered at once.
        on_progress: Called after every step.
        cancel: Stops within one step when pressed.

    Raises:
        FileError: The folder cannot be made or written to.
        LoraMixerError: What rendering raised; finished pictures are kept.
    """
    started = time.perf_counter()
    folder = output / "images"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"no folder can be made there: {error.strerror or error}",
            where=str(folder),
            remedy="Name another folder with --output.",
        ) from error
    manifest = Manifest.start(output / "manifest.jsonl")
    records: list[RenderRecord] = []
    pictures: list[Path] = []
    requests = (job.request for job in plan.jobs)
    try:
        for picture in mixer.render_many(requests, batch=batch, on_progress=on_progress, cancel=cancel):
            number = len(pictures)
            path = save_picture(picture.image, picture.record, folder / f"{number:04}.png")
            manifest.append(picture.record, path.relative_to(output), name=plan.jobs[number].name)
            records.append(picture.record)
            pictures.append(path)
    except LoraMixerError as error:
        if pictures:
            _lay_out(plan, output, pictures, records, reason=error.what)
        raise
    sheets = _lay_out(plan, output, pictures, records, reason="")
    return RunResult(
        rendered=len(pictures), manifest=manifest.path, sheets=sheets, seconds=time.perf_counter() - started
    )


def _lay_out(
    plan: PromptFile, output: Path, pictures: Sequence[Path], records: Sequence[RenderRecord], *, reason: str
) -> tuple[Path, ...]:
    """Write the sheet and the index of the pictures there are; return the sheet's pages."""
    entries = [_entry(path.relative_to(output), record) for path, record in zip(pictures, records, strict=True)]
    write_index(output / "index.html", entries, title=plan.sheet.title or plan.path.stem)
    return save_sheet(_cells(plan, pictures, reason), _labels(plan, records), output / "grid.png")


def _entry(file: Path, record: RenderRecord) -> Entry:
    """Return a picture's entry in the index: its prompt, and what it can be filtered by."""
    settings = record.settings
    facts = {
        "model": settings.model,
        "seed": str(settings.seed),
        "sampler": f"{settings.sampler} {settings.schedule}",
        "steps": str(settings.steps),
        "cfg": f"{settings.cfg:g}",
    }
    mix = {use.name: f"{use.strength.unet:g}" for use in settings.loras}
    return Entry(file=file, prompt=settings.prompt, facts=mix | facts)


def _cells(plan: PromptFile, pictures: Sequence[Path], reason: str) -> list[list[Cell]]:
    rows = max(job.row for job in plan.jobs) + 1
    columns = max(job.column for job in plan.jobs) + 1
    cells: list[list[Cell]] = [[None] * columns for _ in range(rows)]
    for number, job in enumerate(plan.jobs):
        cells[job.row][job.column] = pictures[number] if number < len(pictures) else Failed(reason=reason)
    return cells


def _labels(plan: PromptFile, records: Sequence[RenderRecord]) -> Labels:
    rows = max(job.row for job in plan.jobs) + 1
    captions = tuple(tuple(job.name for job in plan.jobs if job.row == row) for row in range(rows))
    return Labels(
        columns=plan.sheet.columns,
        rows=plan.sheet.rows,
        captions=captions if plan.sheet.captions else (),
        title=plan.sheet.title or plan.path.stem,
        footer=" · ".join(_footer(records)),
    )


def _footer(records: Sequence[RenderRecord]) -> list[str]:
    """Return what all pictures share: model, seed, sampler, steps, cfg."""
    shared = [
        {record.settings.model for record in records},
        {f"seed {record.settings.seed}" for record in records},
        {record.settings.sampler for record in records},
        {f"{record.settings.steps} steps" for record in records},
        {f"cfg {record.settings.cfg:g}" for record in records},
    ]
    return [values.pop() for values in shared if len(values) == 1]
