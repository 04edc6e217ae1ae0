"""What all open pages share, and what each browser tab has of its own."""

from __future__ import annotations

import time
from pathlib import Path

import gradio as gr

from lora_mixer import Mixer, RenderedImage
from lora_mixer.images import save_picture
from lora_mixer_app.ui.history import History, Kept
from lora_mixer_app.ui.loras import Loras
from lora_mixer_app.ui.opened import Opened, opened
from lora_mixer_app.ui.presets import Presets
from lora_mixer_app.ui.session import Session
from lora_mixer_app.ui.thumbs import Thumbs
from lora_mixer_app.ui.turns import Turns


class Studio:
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
        loras: The library, and what of it fits the model.
        turns: Who renders next; long work takes a turn for each batch.
    """

    def __init__(self, mixer: Mixer, folder: Path) -> None:
        self.mixer = mixer
        self.pictures = folder / "pictures"
        self.folder = folder / "runs"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.presets = Presets(folder / "mixes")
        self.history = History(self.pictures, folder / "history.sqlite")
        self.thumbs = Thumbs(folder / "thumbs")
        self.loras = Loras(mixer.library)
        self.turns = Turns()
        self._sessions: dict[str, Session] = {}
        self._opened: dict[str, Opened] = {}
        self.first = self._open(mixer.model_name)

    @property
    def served(self) -> tuple[Path, ...]:
        """The folders whose files the page may show."""
        return self.pictures, self.folder, self.thumbs.folder, self.presets.folder

    def session(self, request: gr.Request) -> Session:
        """Return what belongs to the browser tab a request comes from."""
        return self._sessions.setdefault(str(request.session_hash), Session())

    def model(self, request: gr.Request) -> Opened:
        """Return the model that a browser tab renders with, opened if it never was.

        Raises:
            ModelError, FileError, RequestError: It cannot be opened.
        """
        name = self.session(request).model or self.first.name
        return self._opened.get(name) or self._open(name)

    def choose_model(self, request: gr.Request, name: str) -> Opened:
        """Choose a model for a browser tab, and open it; what the tab asks for meanwhile is made with it already.

        Raises:
            ModelError, FileError, RequestError: It cannot be opened; the tab has the one before again.
        """
        session = self.session(request)
        session.model = name
        try:
            found = self._open(name)
        except BaseException:
            if session.model == name:
                session.model = session.opened
            raise
        session.opened = name
        return found

    def _open(self, name: str) -> Opened:
        found = self._opened[name] = opened(self.mixer, name)
        return found

    def forget(self, request: gr.Request) -> None:
        """Stop and forget a browser tab's work: it was closed."""
        if (session := self._sessions.pop(str(request.session_hash), None)) is not None:
            session.close()

    def keep(self, picture: RenderedImage, *, owner: str = "") -> Kept:
        """Write a picture with its record into the folder, and remember it."""
        path = self.pictures / f"{time.time_ns()}-{picture.record.settings.seed}.png"
        save_picture(picture.image, picture.record, path)
        return self.history.add(path, picture.record, owner=owner)


def owner_of(request: gr.Request) -> str:
    """Return whose pictures somebody sees: those of their user name, where names are asked for."""
    return str(request.username or "")
