"""What all open pages share, and what each browser tab has of its own."""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path

import gradio as gr

from lora_mixer import Cancel, Mixer, RenderedImage
from lora_mixer.families import Family
from lora_mixer.images import save_picture
from lora_mixer_app.serving.callers import caller
from lora_mixer_app.serving.favourites import Favourites
from lora_mixer_app.serving.history import History, Kept
from lora_mixer_app.serving.input_store import InputStore
from lora_mixer_app.serving.presence import Presence
from lora_mixer_app.serving.queue import GiveWay, RenderQueue
from lora_mixer_app.serving.session import Listened
from lora_mixer_app.web.loras import LoraBrowser
from lora_mixer_app.web.mix_store import MixStore
from lora_mixer_app.web.opened import Opened, opened
from lora_mixer_app.web.panes.library import LibraryPane
from lora_mixer_app.web.session import PageSession
from lora_mixer_app.web.thumbs import Thumbs

MOST_TABS = 1000
SECONDS_OF_A_STEP = 30.0
"""At most, when serving ends."""


class AppState:
    """The mixer with what lies around it; one for the whole server.

    Args:
        mixer: What renders.
        folder: Where pictures, their history and saved mixes are kept.

    Attributes:
        mixer: What renders; `model` tells of its models without waiting for a render.
        first: The model the page begins with.
        pictures: The folder of the desk's pictures.
        folder: The folder of what other tabs render.
        presets: The saved mixes.
        history: The pictures that were made.
        thumbs: Small copies of pictures.
        inputs: Pictures that were sent to start from, and masks.
        loras: The library, and what of it fits the model.
        library: The same as cards, each person's favourites marked.
        queue: Who renders next; long work takes a turn for each batch.
        desks: The folder of the desks of those who log in.
        measured: How far a LoRA's file moves a model's weights, of those that were measured.
        presence: Who is still there; None where nobody keeps the book, and everybody counts as there.
    """

    def __init__(self, mixer: Mixer, folder: Path) -> None:
        self.mixer = mixer
        self.pictures = folder / "pictures"
        self.folder = folder / "runs"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.presets = MixStore(folder / "mixes")
        self.history = History(self.pictures, folder / "history.sqlite")
        self.thumbs = Thumbs(folder / "thumbs")
        self.inputs = InputStore(folder / "inputs")
        self.loras = LoraBrowser(mixer.library)
        self.library = LibraryPane(self.loras, Favourites(folder / "favourites"))
        self.queue = RenderQueue()
        self.presence: Presence | None = None
        self.desks = folder / "desks"
        self.measured: dict[tuple[Path, int, str], float] = {}
        self._sessions: dict[tuple[str, str], PageSession] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._opened: dict[str, Opened] = {}
        self.first = self._open(mixer.model_name)

    @property
    def owned(self) -> tuple[Path, ...]:
        """The folders in which each sees their own files only."""
        return self.pictures, self.folder

    @property
    def shared(self) -> tuple[Path, ...]:
        """The folders in which everybody sees what belongs to nobody, and their own."""
        return self.thumbs.folder, self.presets.folder

    @property
    def served(self) -> tuple[Path, ...]:
        """The folders whose files the page may show."""
        return *self.owned, *self.shared

    def session(self, request: gr.Request) -> PageSession:
        """Return what belongs to the browser tab a request comes from."""
        with self._lock:
            found = self._sessions.pop(key := _tab(request), None) or PageSession()
            self._sessions[key] = found
            while len(self._sessions) > MOST_TABS:  # of those who made tabs up, and never said that they closed them
                self._sessions.pop(next(iter(self._sessions))).close()
        return found

    def begin(self, request: gr.Request, kind: str) -> Cancel:
        """Return the switch of a browser tab's new work.

        Older work of that kind is cancelled, and so is this when the tab has gone.
        """
        self.session(request).begin(kind, cancel := self.listened(request))
        return cancel

    def listened(self, request: gr.Request) -> Cancel:
        """Return the switch of work that is cancelled when nobody listens any more."""
        return Listened(self.presence.watch(str(request.session_hash)) if self.presence else None, self._closed)

    def turn(self, request: gr.Request, cancel: Cancel, *, model: str | None = None) -> AbstractContextManager[GiveWay]:
        """Wait for a browser tab's turn with a model, the first one if none is named; see `RenderQueue.take`."""
        tab = str(request.session_hash or "")
        return self.queue.take(cancel, caller=caller_of(request), tab=tab, model=model or self.first.name)

    def ahead(self, request: gr.Request) -> int:
        """Return how many turns would come before one that a browser tab asks for now."""
        return self.queue.ahead(caller_of(request), tab=str(request.session_hash or ""))

    def close(self) -> None:
        """Stop everybody's work, and wait for the step it is in: a thread that computes while Python ends takes it down."""
        self._closed.set()
        self.queue.drain(SECONDS_OF_A_STEP)

    def model(self, request: gr.Request) -> Opened:
        """Return the model that a browser tab renders with, opened if it never was.

        Raises:
            ModelError, FileError, RequestError: It cannot be opened.
        """
        name = self.session(request).model or self.first.name
        return self._opened.get(name) or self._open(name)

    def family_of(self, name: str | None) -> Family | None:
        """Return the base family of a model that was opened, the first one without a name; None for any other."""
        found = self.first if name is None else self._opened.get(name)
        return found.family if found else None

    def choose_model(self, request: gr.Request, name: str) -> Opened:
        """Choose a model for a browser tab, and open it; what the tab asks for meanwhile is made with it already.

        Raises:
            ModelError, FileError, RequestError: It cannot be opened; the tab has the one before again.
        """
        session = self.session(request)
        session.choose(name)
        try:
            found = self._open(name)
        except BaseException:
            session.was_refused(name)
            raise
        session.was_opened(name)
        return found

    def _open(self, name: str) -> Opened:
        found = self._opened[name] = opened(self.mixer, name)
        return found

    def forget(self, request: gr.Request) -> None:
        """Stop and forget a browser tab's work: it was closed."""
        with self._lock:
            session = self._sessions.pop(_tab(request), None)
        if session is not None:
            session.close()

    def keep(self, picture: RenderedImage, *, owner: str = "") -> Kept:
        """Write a picture with its record into the folder, and remember it."""
        path = self.history.place(owner) / f"{time.time_ns()}-{picture.record.settings.seed}.png"
        save_picture(picture.image, picture.record, path)
        return self.history.add(path, picture.record, owner=owner)

    def discard(self, kept: Kept, *, owner: str = "") -> None:
        """Delete a picture of somebody's for good, with its thumbnail.

        Raises:
            FileError: It cannot be deleted.
        """
        self.thumbs.forget(kept.path, name=kept.path.name, owner=owner)
        self.history.delete(kept.id, owner=owner)


def _tab(request: gr.Request) -> tuple[str, str]:
    return owner_of(request), str(request.session_hash)


def caller_of(request: gr.Request) -> str:
    """Return what somebody is counted under when turns are shared out."""
    return caller(owner_of(request), request.client.host if request.client else None)


def owner_of(request: gr.Request) -> str:
    """Return whose pictures somebody sees: those of their user name, where names are asked for."""
    return str(request.username or "")
