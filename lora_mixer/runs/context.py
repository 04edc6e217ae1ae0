"""What all steps of a run have in common: what is asked for, where, by whom, how, and who hears of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lora_mixer.cancel import Cancel
from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.ledger import LedgerEntry
from lora_mixer.ledger.writer import LedgerWriter
from lora_mixer.promptfile.plan import PromptFile
from lora_mixer.runs.options import RunOptions
from lora_mixer.runs.progress import RunProgress
from lora_mixer.runs.whereabouts import Whereabouts
from lora_mixer.store import FolderStore
from lora_mixer.workers.executor import Executor


class OnPicture(Protocol):
    """Hears of a picture that is there, and whether it was made now."""

    def __call__(self, entry: LedgerEntry, *, made: bool) -> None:
        """Hear of it."""
        ...


def nobody(*_told: object, **_more: object) -> None:
    """Hear nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Who hears of a run, and who may stop it.

    Attributes:
        on_progress: Called after every step in this process, several times a second with workers.
        on_failure: Called with every job that cannot be made, as soon as that is known.
        on_picture: Called with every picture that is there, and whether it was made now.
        say: Told what the user should know.
        cancel: Stops the run within one step.
    """

    on_progress: Callable[[RunProgress], None] = nobody
    on_failure: Callable[[Failure], None] = nobody
    on_picture: OnPicture = nobody
    say: Callable[[str], None] = nobody
    cancel: Cancel | None = None

    def progress(self, progress: RunProgress) -> None:
        """Tell how far the run is.

        Raises:
            CancelledError: It is to stop.
        """
        self.on_progress(progress)
        if self.cancel is not None:
            self.cancel.check()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """A run that was asked for.

    Attributes:
        file: What is asked for.
        place: The folder, locked.
        executor: Who renders.
        options: How.
        listeners: Who hears of it.
        writer: The folder's ledger.
        where: Where in the prompt file words stand.
    """

    file: PromptFile
    place: FolderStore
    executor: Executor
    options: RunOptions
    listeners: Listeners
    writer: LedgerWriter
    where: Whereabouts

    @staticmethod
    def of(
        file: PromptFile, place: FolderStore, executor: Executor, options: RunOptions, listeners: Listeners
    ) -> RunContext:
        """Return the context of a run in a locked folder."""
        return RunContext(
            file=file,
            place=place,
            executor=executor,
            options=options,
            listeners=listeners,
            writer=LedgerWriter(place, listeners.say),
            where=Whereabouts(file),
        )

    @property
    def folder(self) -> Path:
        """Where the folder lies now."""
        return self.place.path

    @property
    def total(self) -> int:
        """How many pictures are asked for."""
        return len(self.file.jobs)
