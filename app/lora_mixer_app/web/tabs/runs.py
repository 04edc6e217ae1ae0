"""Runs of the page: those of `lora-mixer render`, with its ledger, in turns with everybody else, heard as they go on."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from io import BytesIO
from pathlib import Path

from PIL import Image

from lora_mixer import Cancel, Progress
from lora_mixer.errors import CancelledError, MissingFileError
from lora_mixer.images import save_picture, write_whole
from lora_mixer.ledger import Ledger
from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.ledger import LedgerEntry
from lora_mixer.mixer import Background
from lora_mixer.runs.outputs import planned
from lora_mixer.runs.run import RunOptions, RunProgress, run
from lora_mixer.sheet import save_sheet
from lora_mixer.workers.executor import Finished, Heartbeat, Resolution, ResolveQuery
from lora_mixer.workers.inline import InlineExecutor
from lora_mixer_app.web.state import AppState
from lora_mixer_app.web.tabs.run_folders import PageRun

ENDINGS = (".png", ".webp")
BATCH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """How far a run has come.

    Attributes:
        run: The run.
        pictures: Finished pictures by their place in the plan.
        failed: Why a place has no picture.
        fraction: How much is done, 0..1.
        before: How much of that was there already.
        seconds: Time spent in this call.
        sheets: Pages of the labelled sheet, once there is one.
        archive: A zip of pictures and sheet, once there is one.
        work: Steps times pixels of what was rendered in this call, once it is over.
        over: Whether it came to its end, or was stopped.
        notes: What the run has to say, such as that pictures were made again.
    """

    run: PageRun
    pictures: Mapping[int, Path] = field(default_factory=dict)
    failed: Mapping[int, str] = field(default_factory=dict)
    fraction: float = 0.0
    before: float = 0.0
    seconds: float = 0.0
    sheets: tuple[Path, ...] = ()
    archive: Path | None = None
    work: int = 0
    over: bool = False
    notes: tuple[str, ...] = ()

    @property
    def left(self) -> float:
        """Seconds it will take still, going by how it went so far; 0 while nothing is known."""
        now = self.fraction - self.before
        return self.seconds / now * (1 - self.fraction) if now > 0 else 0.0


class Pace:
    """How fast pictures were made last, to say how long a plan will take."""

    def __init__(self) -> None:
        self._rate: float | None = None

    def learn(self, done: RunState) -> None:
        """Remember how long a run took, for each step and pixel of what it rendered."""
        if done.over and done.work:
            self._rate = done.seconds / done.work

    def seconds(self, work: int) -> float | None:
        """Return how long so much work will take; None while nothing is known."""
        return None if self._rate is None else self._rate * work


def render_run(
    state: AppState,
    wanted: PageRun,
    *,
    cancel: Cancel,
    caller: str = "",
    batch: int = BATCH,
    ending: str = ENDINGS[0],
) -> Iterator[RunState]:
    """Render what is missing of a run; yield how far it is whenever it has come further.

    When it ends or is cancelled, the sheet is drawn of what there is. What is finished stays whatever happens, and the
    same call goes on from there.

    Args:
        state: The page.
        wanted: The run.
        cancel: Stops within one step.
        caller: Under whom its turns are counted.
        batch: Pictures at once, for a run that is new; an earlier one keeps its own number.
        ending: The format of the sheet and of the pictures in the zip; in the folder they are PNG.

    Raises:
        LoraMixerError: What rendering raised; finished pictures are kept.
    """
    log = _Log(wanted)

    def start(tell: Callable[[RunState], None], cancel: Cancel) -> Iterator[RunState]:
        executor = _InTurns(state, wanted, cancel, caller)
        try:
            result = run(
                wanted.plan,
                wanted.folder,
                executor,
                options=RunOptions(batch=batch, retry_failed=True),
                on_progress=lambda progress: tell(log.now(progress)),
                on_failure=log.failed,
                on_picture=log.picture,
                cancel=cancel,
                say=log.said,
            )
            sheets = result.sheets
        except CancelledError:
            sheets = _sheets(wanted)  # of what there is
        yield _ended(replace(log.now(), sheets=sheets), ending)

    with Background[RunState, RunState](start, cancel=cancel, name="run") as work:
        yield from work.follow()


def state_of(wanted: PageRun) -> RunState:
    """Return how far an earlier run has come, from its ledger alone; nothing is made for one that was never planned."""
    try:
        ledger = Ledger.read(wanted.folder)
    except MissingFileError:
        return RunState(run=wanted, over=True)
    pictures = {index: ledger.path(index) for index in ledger.entries if ledger.is_there(index)}
    archive = _archive(wanted)
    return RunState(
        run=wanted,
        pictures=pictures,
        sheets=_sheets(wanted),
        archive=archive if archive.is_file() else None,
        failed={index: failure.what for index, failure in ledger.failures.items()},
        fraction=len(pictures) / len(ledger.plan.jobs),
        over=True,
    )


class _Log:
    """What a run has told so far."""

    def __init__(self, wanted: PageRun) -> None:
        self._started = time.perf_counter()
        self._now = RunState(run=wanted)

    def now(self, progress: RunProgress | None = None) -> RunState:
        """Return how far the run is."""
        fraction = self._now.fraction if progress is None or progress.planned is not None else progress.fraction
        self._now = replace(self._now, fraction=fraction, seconds=time.perf_counter() - self._started)
        return self._now

    def picture(self, entry: LedgerEntry, *, made: bool) -> None:
        """Hear of a picture that is there, and whether it was made now."""
        asked = entry.record.settings
        work = asked.steps * asked.width * asked.height if made else 0
        before = self._now.before + (0 if made else 1 / len(self._now.run.plan.jobs))
        pictures = {**self._now.pictures, entry.index: self._now.run.folder / entry.file}
        self._now = replace(self._now, pictures=pictures, work=self._now.work + work, before=before)

    def failed(self, failure: Failure) -> None:
        """Hear of a job that failed."""
        said = " ".join(part for part in (f"{failure.what}.", failure.remedy) if part)
        self._now = replace(self._now, failed={**self._now.failed, failure.index: said})

    def said(self, note: str) -> None:
        """Hear what the user should know."""
        self._now = replace(self._now, notes=(*self._now.notes, note))


class _InTurns(InlineExecutor):
    """Renders on the page's mixer; whatever takes time waits for its turn first, so that everybody's sliders get in between."""

    def __init__(self, state: AppState, wanted: PageRun, cancel: Cancel, caller: str) -> None:
        super().__init__(lambda: state.mixer, on_progress=self._stepped)
        self._first = state.first.name
        self._take = partial(state.queue.take, cancel, caller=caller, tab=str(wanted.folder))

    def resolve(self, query: ResolveQuery, heartbeat: Heartbeat) -> Resolution:
        """Answer, when it is this caller's turn."""
        with self._take():
            return super().resolve(query, heartbeat)

    def next_result(self, heartbeat: Heartbeat) -> Finished:
        """Render a batch, when it is this caller's turn."""
        model = self._given[0].jobs[0].request.model or self._first
        with self._take(model=model) as self._way:
            return super().next_result(heartbeat)

    def _stepped(self, progress: Progress) -> None:
        self._way(progress)


def _ended(done: RunState, ending: str) -> RunState:
    """Return where a run stands that is over, with the sheet and a zip of everything there is."""
    if not done.pictures:
        return replace(done, over=True)
    ledger = Ledger.read(done.run.folder)
    sheets = done.sheets if ending == ENDINGS[0] else save_sheet(*planned(ledger), ledger.folder / f"grid{ending}")
    archive = _archive(done.run)
    write_whole(archive, lambda out: _pack(out, ledger, sheets, ending))
    return replace(done, sheets=sheets, archive=archive, over=True)


def _sheets(run: PageRun) -> tuple[Path, ...]:
    """Return the pages of a run's sheet in their order: `grid.png`, `grid-2.png`, ..."""
    return tuple(sorted(run.folder.glob("grid*.png"), key=lambda page: (len(page.name), page.name)))


def _archive(run: PageRun) -> Path:
    return run.folder / f"{run.folder.name}.zip"


def _pack(out: object, ledger: Ledger, sheets: Sequence[Path], ending: str) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for sheet in sheets:
            archive.write(sheet, sheet.name)
        for index in sorted(ledger.entries):
            path = ledger.path(index)
            if ending == path.suffix:
                archive.write(path, path.name)
            else:
                archive.writestr(f"{path.stem}{ending}", _in_format(path, ledger, index, ending))


def _in_format(path: Path, ledger: Ledger, index: int, ending: str) -> bytes:
    """Return a picture with its record in another format."""
    out = BytesIO()
    with Image.open(path) as image:
        save_picture(image.convert("RGB"), ledger.entries[index].record, out, format=ending.removeprefix("."))
    return out.getvalue()
