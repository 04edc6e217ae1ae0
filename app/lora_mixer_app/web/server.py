"""Serving the page: it answers at once, opens the model behind that, and is told of nobody.

Nothing heavy is imported here: the first answer takes a second, Gradio and torch take several.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from lora_mixer.errors import FileError
from lora_mixer_app.serving.assets import Assets
from lora_mixer_app.serving.front import Front, Opening
from lora_mixer_app.serving.guard import LOCAL, Guard, Origin
from lora_mixer_app.serving.listen import listen, url_of
from lora_mixer_app.serving.passwords import Passwords
from lora_mixer_app.serving.presence import Listening, Presence
from lora_mixer_app.web.files import folders, made

if TYPE_CHECKING:
    from lora_mixer import Mixer
    from lora_mixer_app.web.app import App

SECONDS_TO_LEAVE = 2
SECONDS_TO_OPEN = 10
_SAYS = {
    "en": ("Loading the libraries …", "Opening the model {model} …", "Laying out the page …"),
    "zh": ("正在加载程序库 …", "正在打开模型 {model} …", "正在生成页面 …"),
}
_SHARES = (0.45, 0.35, 0.2)
_USUAL = (4.0, 3.0, 2.0)  # seconds in which half of a stage is done on a laptop
"""How much of the way each stage is, and how long it takes; both only move a progress line."""


class _Uvicorn(uvicorn.Server):
    """uvicorn, which tells the page before it waits for its connections to end."""

    def __init__(self, config: uvicorn.Config, leave: Callable[[], None]) -> None:
        super().__init__(config)
        self._leave = leave

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._leave()
        await super().shutdown(sockets)


class Server:
    """A page being served.

    Args:
        open_mixer: Opens what renders, in a thread of its own.
        folder: Where pictures, their history and saved mixes are kept.
        model: The name of the model that is opened, for whoever looks meanwhile.
        host: Address to listen on; other machines must ask for it by this name.
        port: Port to listen on; 0 takes any that is free.
        logins: Names and passwords; without any, nobody is asked for one.
        origins: Origins whose pages may talk to this one, as that of a proxy before it.
        say: Hears what there is to tell.

    Attributes:
        url: Where the page is.

    Raises:
        RequestError: It cannot be served at that address.
        FileError: Nothing can be written into the folder.
    """

    def __init__(
        self,
        open_mixer: Callable[[], Mixer],
        folder: Path,
        *,
        model: str,
        host: str,
        port: int,
        logins: Sequence[tuple[str, str]] = (),
        origins: Sequence[Origin] = (),
        say: Callable[[str], None] = print,
    ) -> None:
        self._open_mixer = open_mixer
        self._folder = folder
        self._model = "" if logins else model  # who has not logged in need not know
        self._logins = logins
        self._say = say
        self._began = self._stage_began = time.monotonic()
        self._stage = 0
        self.app: App | None = None
        self._failure: BaseException | None = None
        _require_writable(folder)
        self._socket = listen(host, port)
        self.url = url_of(self._socket)
        self._presence = Presence()
        self._front = Front(self._how_far)
        behind = Assets(Listening(Passwords(self._front), self._presence), folders(), made())
        guarded = Guard(behind, hosts=(*LOCAL, host), origins=origins)
        self._server = _Uvicorn(
            uvicorn.Config(
                guarded,
                log_level="warning",
                lifespan="on",
                server_header=False,
                proxy_headers=bool(origins),
                timeout_graceful_shutdown=SECONDS_TO_LEAVE,
            ),
            self._front.leave,
        )

    def run(self, *, open_browser: bool = False) -> None:
        """Serve until Ctrl+C or `stop`.

        Args:
            open_browser: Whether to open the page in the user's browser.

        Raises:
            LoraMixerError: The model, or what the page needs beside it, cannot be opened.
        """
        opening = threading.Thread(target=self._open, name="opening", daemon=True)
        opening.start()
        if open_browser:
            threading.Thread(target=webbrowser.open, args=(self.url,), daemon=True).start()
        try:
            self._server.run(sockets=[self._socket])
        finally:
            opening.join(SECONDS_TO_OPEN)
            if self.app is not None:
                self.app.state.close()
            self._socket.close()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End serving; from any thread."""
        self._server.should_exit = True

    def _open(self) -> None:
        try:
            from lora_mixer_app.web.app import build_app

            self._enter(1)
            mixer = self._open_mixer()
            self._enter(2)

            async def built() -> App:  # in a loop, since Gradio would otherwise make some and leave them open
                return build_app(mixer, self._folder, presence=self._presence, logins=self._logins)

            self.app = asyncio.run(built())
            self._front.open(self.app.answers, self.app.life)
        except BaseException as error:  # noqa: BLE001 raised again where the page is served
            self._failure = error
            self.stop()
            return
        with contextlib.suppress(OSError):  # nobody reads what is said
            for sentence in self.app.state.history.said:
                self._say(f"history: {sentence}")
            self._say("ready")

    def _enter(self, stage: int) -> None:
        """Begin a stage, and tell the terminal, which would be silent for half a minute otherwise."""
        self._stage, self._stage_began = stage, time.monotonic()
        with contextlib.suppress(OSError):
            self._say(self._says("en"))

    def _says(self, language: str) -> str:
        return _SAYS[language][self._stage].format(model=self._model).replace("  ", " ")

    def _how_far(self, language: str) -> Opening:
        """Return how far opening has come: a stage's share fills by its usual seconds, and never quite."""
        now = time.monotonic()
        share, usual = _SHARES[self._stage], _USUAL[self._stage]
        within = 1 - 2 ** (-(now - self._stage_began) / usual)
        done = sum(_SHARES[: self._stage]) + share * within
        return Opening(says=self._says(language), done=done, seconds=now - self._began)


def _require_writable(folder: Path) -> None:
    reason = "it is not writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return
    except OSError as error:
        reason = error.strerror or str(error)
    raise FileError(
        f"pictures cannot be kept there: {reason}", where=str(folder), remedy="Name another folder with --output."
    )
