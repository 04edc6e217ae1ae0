"""A prompt file rendered into a folder: what is missing is made and entered, then sheet and index are laid out."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from lora_mixer.cancel import Cancel
from lora_mixer.errors import CancelledError, ConfigError, FileError, LoraMixerError, PartialRunError, RequestError
from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.ledger import MANIFEST, PICTURES
from lora_mixer.ledger.lock import hold
from lora_mixer.promptfile.plan import PromptFile
from lora_mixer.runs.context import Listeners, OnPicture, RunContext, nobody
from lora_mixer.runs.options import RunOptions
from lora_mixer.runs.progress import RunProgress, RunResult
from lora_mixer.runs.work import RunWork
from lora_mixer.store import FolderStore, made
from lora_mixer.workers.executor import Executor

__all__ = ["RunOptions", "RunProgress", "RunResult", "run"]


def run(
    plan: PromptFile,
    output: Path,
    executor: Executor,
    *,
    options: RunOptions | None = None,
    on_progress: Callable[[RunProgress], None] | None = None,
    on_failure: Callable[[Failure], None] | None = None,
    on_picture: OnPicture | None = None,
    cancel: Cancel | None = None,
    say: Callable[[str], None] | None = None,
) -> RunResult:
    """Render what is missing of a plan into a folder: pictures, ledger, sheet, index.

    A picture is entered once it is on disk, so finished work is never lost; the same call continues from there. Batches
    follow from the plan alone, so pixels do not depend on the number of workers or on interruptions. Pictures of another
    plan in the folder are kept if this one wants them (by digest), else moved into `set-aside/`.

    Args:
        plan: The prompt file.
        output: The folder; made if missing.
        executor: Who renders: `InlineExecutor`, `ProcessExecutor` or `RayExecutor`.
        options: How.
        on_progress: Called after every step in this process, several times a second with workers.
        on_failure: Called with every job that cannot be made, as soon as that is known.
        on_picture: Called with every picture that is there, those of earlier runs first, and whether it was made now.
        cancel: Stops within one step when pressed.
        say: Told what the user should know: a lock taken over, a worker that died, pictures moved aside.

    Raises:
        ConfigError: Another run is writing there, or the folder is somebody else's.
        FileError: The folder cannot be written to.
        CancelledError: The switch was pressed; what is finished is kept.
        PartialRunError: The run could not go on; some pictures are there.
        LoraMixerError: The model cannot be opened, or no job can be made.
    """
    started = time.perf_counter()
    output = output.absolute()
    listeners = Listeners(
        on_progress=on_progress or nobody,
        on_failure=on_failure or nobody,
        on_picture=on_picture or nobody,
        say=say or nobody,
        cancel=cancel,
    )
    _make(output)
    with hold(output, listeners.say) as place, executor:
        work = RunWork(RunContext.of(plan, place, executor, options or RunOptions(), listeners))
        try:
            work.begin()
            work.render()
        except CancelledError:
            work.lay_out()
            raise
        except (ConfigError, RequestError, PartialRunError):
            raise
        except LoraMixerError as error:
            raise work.stopped(error) from error
        return _result(plan, place, work, seconds=time.perf_counter() - started)


def _result(plan: PromptFile, place: FolderStore, work: RunWork, *, seconds: float) -> RunResult:
    """Lay out sheet and index, and return what the run left behind."""
    sheets = work.lay_out()
    return RunResult(
        total=len(plan.jobs),
        found=work.found,
        rendered=len(work.there) - work.found,
        failures=tuple(work.failures[index] for index in sorted(work.failures)),
        manifest=place.path / MANIFEST,
        sheets=sheets,
        seconds=seconds,
    )


def _make(output: Path) -> None:
    try:
        made(output / PICTURES)
    except OSError as error:
        raise FileError(
            f"no folder can be made there: {error.strerror or error}",
            where=str(output / PICTURES),
            remedy="Name another folder with --output.",
        ) from error
