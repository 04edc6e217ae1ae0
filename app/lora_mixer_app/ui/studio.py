"""What all open pages share, and what each browser tab has of its own."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import gradio as gr

from lora_mixer import Cancel, Mixer, RenderedImage
from lora_mixer.images import save_picture
from lora_mixer_app.ui.turns import Turns


class Session:
    """One browser tab: what it is rendering, by kind of work."""

    def __init__(self) -> None:
        self._running: dict[str, Cancel] = {}

    def begin(self, kind: str) -> Cancel:
        """Return the switch of new work; older work of that kind (`desk`, `sheet`, ...) is cancelled."""
        self.cancel(kind)
        self._running[kind] = cancel = Cancel()
        return cancel

    def cancel(self, kind: str) -> None:
        """Stop what runs of that kind, within one step."""
        if (running := self._running.pop(kind, None)) is not None:
            running.press()

    def close(self) -> None:
        """Stop everything: the tab was closed."""
        for kind in list(self._running):
            self.cancel(kind)


class Studio:
    """The mixer with what lies around it; one for the whole server.

    Attributes:
        mixer: What renders.
        folder: Where pictures are kept.
        turns: Who renders next; long work takes a turn for each batch.
    """

    def __init__(self, mixer: Mixer, folder: Path | None = None) -> None:
        self.mixer = mixer
        self.folder = folder or Path(tempfile.mkdtemp(prefix="lora-mixer-"))
        self.turns = Turns()
        self._sessions: dict[str, Session] = {}

    def session(self, request: gr.Request) -> Session:
        """Return what belongs to the browser tab a request comes from."""
        return self._sessions.setdefault(str(request.session_hash), Session())

    def forget(self, request: gr.Request) -> None:
        """Stop and forget a browser tab's work: it was closed."""
        if (session := self._sessions.pop(str(request.session_hash), None)) is not None:
            session.close()

    def keep(self, picture: RenderedImage) -> Path:
        """Write a picture with its record into the folder; return its path."""
        path = self.folder / f"{time.time_ns()}-{picture.record.settings.seed}.png"
        return save_picture(picture.image, picture.record, path)
