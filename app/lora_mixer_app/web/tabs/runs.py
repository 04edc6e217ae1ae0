"""A plan of many pictures rendered for the page: cells as they finish, then the labelled sheet and a zip of everything."""

from __future__ import annotations

import queue
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

from lora_mixer import Cancel, LoraMixerError, Mixer, Progress
from lora_mixer.errors import CancelledError
from lora_mixer.images import save_picture, write_whole
from lora_mixer.promptfile import PromptFile
from lora_mixer.runs.batching import plan_batches
from lora_mixer.sheet import Cell, Failed, Labels, save_sheet
from lora_mixer_app.serving.owners import folder_of
from lora_mixer_app.web.state import AppState

ENDINGS = (".png", ".webp")
BATCH = 4


@dataclass(slots=True, kw_only=True)
class PageRun:
    """A plan and how far it has come.

    Attributes:
        plan: What is rendered.
        folder: Where its files are.
        pictures: Finished pictures by their place in the plan.
        failed: Why a place has no picture.
        fraction: How much is done, 0..1.
        seconds: Time spent.
        sheets: Pages of the labelled sheet, once there is one.
        archive: A zip of pictures and sheet, once there is one.
        work: Steps times pixels, where they are known.
        cancelled: Whether it was stopped.
    """

    plan: PromptFile
    folder: Path
    pictures: dict[int, Path] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    fraction: float = 0.0
    seconds: float = 0.0
    sheets: tuple[Path, ...] = ()
    archive: Path | None = None
    work: int = 0
    cancelled: bool = False

    @property
    def left(self) -> float:
        """Seconds it will take still, going by how it went so far; 0 while nothing is known."""
        return self.seconds / self.fraction - self.seconds if self.fraction else 0.0

    def label(self, place: int) -> str:
        """Return what tells a picture from the others: its column and row where they are labelled, else its name."""
        job, sheet = self.plan.jobs[place], self.plan.sheet
        at_edges = ((sheet.columns, job.column), (sheet.rows, job.row))
        return ", ".join(labels[at] for labels, at in at_edges if labels) or job.name

    @property
    def columns(self) -> int:
        """How many pictures stand side by side."""
        return max(job.column for job in self.plan.jobs) + 1


def folder_for(state: AppState, name: str, *, owner: str = "") -> Path:
    """Return a new folder for somebody's run."""
    place = folder_of(state.folder, owner)
    place.mkdir(exist_ok=True)
    return Path(mkdtemp(prefix=f"{name}-", dir=place))


@dataclass(slots=True, kw_only=True)
class Check:
    """What a plan comes to, told without rendering anything.

    Attributes:
        failed: Why some of its jobs cannot be rendered, by place.
        notes: What is said of the others, by place.
        mixes: Their LoRAs with strengths, those of tags in the prompt too, by place.
        work: Steps times pixels of those.
    """

    failed: dict[int, str] = field(default_factory=dict)
    notes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    mixes: dict[int, str] = field(default_factory=dict)
    work: int = 0


def check_jobs(mixer: Mixer, plan: PromptFile) -> Check:
    """Return what a plan comes to."""
    check = Check()
    for place, asked in enumerate(plan.jobs):
        try:
            job = mixer.resolve(asked.request)
        except LoraMixerError as error:
            check.failed[place] = str(error)
        else:
            check.notes[place] = job.notes
            check.mixes[place] = ", ".join(f"{use.name} {use.placed.strength.unet:g}" for use in job.uses)
            check.work += job.settings.steps * job.settings.width * job.settings.height
    return check


class Pace:
    """How fast pictures were made last, to say how long a plan will take."""

    def __init__(self) -> None:
        self._rate: float | None = None

    def learn(self, run: PageRun) -> None:
        """Remember how long a run took that was rendered to its end."""
        if run.work and not run.cancelled:
            self._rate = run.seconds / run.work

    def seconds(self, work: int) -> float | None:
        """Return how long so much work will take; None while nothing is known."""
        return None if self._rate is None else self._rate * work


def render_plan(
    state: AppState, run: PageRun, *, cancel: Cancel, caller: str = "", batch: int = BATCH, ending: str = ENDINGS[0]
) -> Iterator[PageRun]:
    """Render the pictures of a run that have not failed already; yield the run whenever it has come further.

    Pictures of one size, step count and sampler go through the model together, whatever their mixes are. When it ends
    or is cancelled, the sheet is drawn of what there is.

    Raises:
        LoraMixerError: What rendering raised; finished pictures are kept.
    """
    places = _places(run, batch)
    events: queue.SimpleQueue[Progress | tuple[int, Path] | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            requests = [run.plan.jobs[place].request for place in places]
            many = state.mixer.render_as_done(requests, batch=batch, on_progress=events.put, cancel=cancel)
            for index, picture in state.queue.each(many, cancel, caller=caller):
                path = run.folder / f"{places[index]:04}{ending}"
                events.put((places[index], save_picture(picture.image, picture.record, path)))
        finally:
            events.put(None)

    started = time.perf_counter()
    with ThreadPoolExecutor(1, thread_name_prefix="run") as pool:
        outcome = pool.submit(work)
        try:
            while (event := events.get()) is not None:
                run.seconds = time.perf_counter() - started
                if isinstance(event, Progress):
                    run.fraction = event.fraction
                else:
                    run.pictures[event[0]] = event[1]
                if events.empty():
                    yield run
        finally:
            cancel.press()
    try:
        outcome.result()
    except CancelledError:
        run.cancelled = True
        run.failed |= {place: "cancelled" for place in places if place not in run.pictures}
    _finish(run, ending)
    yield run


def _places(run: PageRun, batch: int) -> list[int]:
    """Return the places to render, in the order that pays."""
    places = [place for place in range(len(run.plan.jobs)) if place not in run.failed]
    batches = plan_batches([run.plan.jobs[place].request for place in places], batch=batch)
    return [places[at] for group in batches for at in group]


def _finish(run: PageRun, ending: str) -> None:
    """Draw the sheet of a run and pack everything."""
    if not run.pictures:
        return
    run.fraction = 1.0
    run.sheets = save_sheet(_cells(run), _labels(run.plan), run.folder / f"sheet{ending}")
    files = [*run.sheets, *(run.pictures[place] for place in sorted(run.pictures))]
    run.archive = run.folder / f"{run.folder.name}.zip"
    write_whole(run.archive, lambda out: _pack(out, files))


def _pack(out: object, files: Sequence[Path]) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for file in files:
            archive.write(file, file.name)


def _cells(run: PageRun) -> list[list[Cell]]:
    rows = max(job.row for job in run.plan.jobs) + 1
    cells: list[list[Cell]] = [[None] * run.columns for _ in range(rows)]
    for place, job in enumerate(run.plan.jobs):
        cells[job.row][job.column] = run.pictures.get(place) or Failed(reason=run.failed.get(place, ""))
    return cells


def _labels(plan: PromptFile) -> Labels:
    rows = max(job.row for job in plan.jobs) + 1
    captions = tuple(tuple(job.name for job in plan.jobs if job.row == row) for row in range(rows))
    return Labels(
        columns=plan.sheet.columns,
        rows=plan.sheet.rows,
        captions=captions if plan.sheet.captions else (),
        title=plan.sheet.title,
    )


def places_of(pictures: Mapping[int, Path], count: int) -> list[str]:
    """Return the path of each place's picture, empty where there is none."""
    return [str(pictures.get(place, "")) for place in range(count)]
