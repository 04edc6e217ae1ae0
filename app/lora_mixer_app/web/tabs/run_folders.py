"""The folders of a person's runs: numbered, each with the prompt file it began with, so that any of them can go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lora_mixer.catalog import SameAdapter
from lora_mixer.errors import BrokenFileError, RequestError
from lora_mixer.ledger.folders import new_folder, numbered_folders
from lora_mixer.ledger.ledger import PICTURES
from lora_mixer.promptfile import PromptFile
from lora_mixer.runs.origin import RunOrigin, keep_origin, on_model
from lora_mixer_app.serving.owners import folder_of
from lora_mixer_app.web.state import AppState

MOST_LISTED = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRun:
    """A run of the page.

    Attributes:
        plan: What is rendered.
        folder: Where its files are.
    """

    plan: PromptFile
    folder: Path

    def label(self, place: int) -> str:
        """Return what tells a picture from the others: its column and row where they are labelled, else its name."""
        job, sheet = self.plan.jobs[place], self.plan.sheet
        at_edges = ((sheet.columns, job.column), (sheet.rows, job.row))
        return ", ".join(labels[at] for labels, at in at_edges if labels) or job.name

    @property
    def columns(self) -> int:
        """How many pictures stand side by side."""
        return max(job.column for job in self.plan.jobs) + 1

    @property
    def rows(self) -> int:
        """How many stand one below the other."""
        return max(job.row for job in self.plan.jobs) + 1


def begin_run(state: AppState, plan: PromptFile, *, kind: str, model: str, owner: str = "") -> PageRun:
    """Make the next folder for somebody's run, with what the run begins with in it.

    Args:
        state: The page.
        plan: A prompt file; pictures that name no model are made with `model`.
        kind: The tab.
        model: The name of the model the tab renders with.
        owner: Whose it is.

    Raises:
        FileError: It cannot be made.
    """
    folder = new_folder(folder_of(state.folder, owner), plan.path.stem)
    keep_origin(plan, folder, model=model, kind=kind)
    return PageRun(plan=on_model(plan, model), folder=folder)


def earlier_runs(state: AppState, *, kind: str, owner: str = "") -> list[tuple[str, str]]:
    """Return somebody's last runs of a tab, newest first: how each is called and how far it is, and its folder's name."""
    return [
        (f"{folder.name} ({_made(folder)}/{origin.pictures})", folder.name)
        for folder, origin in _runs(state, kind, owner)
    ]


def earlier_run(state: AppState, name: str | None, *, kind: str, owner: str = "") -> PageRun:
    """Return an earlier run of somebody's by its folder's name.

    Raises:
        RequestError: There is none.
        BrokenFileError, ConfigError: What it began with cannot be read.
    """
    for folder, origin in _runs(state, kind, owner):
        if folder.name == name:
            plan = origin.plan(folder, same=SameAdapter(lambda: state.mixer.library))
            return PageRun(plan=plan, folder=folder)
    raise RequestError("no earlier run is chosen", remedy="Choose one of the list.")


def _runs(state: AppState, kind: str, owner: str) -> Iterator[tuple[Path, RunOrigin]]:
    listed = 0
    for folder in reversed(numbered_folders(folder_of(state.folder, owner))):
        try:
            origin = RunOrigin.read(folder)
        except BrokenFileError:
            continue
        if origin is not None and origin.kind == kind:
            yield folder, origin
            listed += 1
        if listed == MOST_LISTED:
            return


def _made(folder: Path) -> int:
    """Return how many pictures lie in a run's folder; only names are looked at."""
    try:
        return sum(path.stem.isdecimal() for path in (folder / PICTURES).iterdir())
    except OSError:
        return 0
