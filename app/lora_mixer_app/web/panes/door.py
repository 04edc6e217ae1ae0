"""Where the panes' questions, pictures and files come in: plain HTTP below `/panes/`, behind the page's own door."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lora_mixer.errors import BrokenFileError, LoraMixerError, MissingFileError, RequestError
from lora_mixer.files import open_tensor_file
from lora_mixer.keys import parse_adapter
from lora_mixer.trainer.apart.trainings import LARGEST
from lora_mixer_app.serving.importing import take_file
from lora_mixer_app.serving.input_store import MOST_BYTES
from lora_mixer_app.serving.languages import language_of
from lora_mixer_app.web.error_i18n import error_text, line_text
from lora_mixer_app.web.panes.questions import QUESTIONS, Panes
from lora_mixer_app.web.panes.training_questions import TRAINING_FILES, require_trusted

PREFIX = "/panes/"
MOST_ASKED = 64 * 1024
"""Bytes of a question."""
_LOG = logging.getLogger(__name__)
_KEPT = {"cache-control": "private, max-age=31536000, immutable"}


class PanesDoor:
    """ASGI middleware that answers below `/panes/`.

    Args:
        app: What answers everything else.
        panes: What is asked.
        user_of: Returns the caller's login name, or an empty text.
        must_log_in: Whether only those who are logged in are answered.
        is_near: Whether somebody may add files to the server's folders without a login.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        panes: Panes,
        user_of: Callable[[Scope], str],
        must_log_in: bool,
        is_near: Callable[[Scope], bool],
    ) -> None:
        self._app = app
        self._panes = panes
        self._user_of = user_of
        self._must_log_in = must_log_in
        self._is_near = is_near

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        await (await self._answer(scope, receive))(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        who = self._user_of(scope)
        if self._must_log_in and not who:
            return _refusal(scope, "Log in first.", 401)
        name, asked = scope["path"].removeprefix(PREFIX), _query(scope)
        try:
            if scope["method"] == "GET":
                return await asyncio.to_thread(self._shown, scope, name, asked, who)
            if scope["method"] == "PUT" and name == "input":
                data = await _whole(receive, MOST_BYTES)
                sent = await asyncio.to_thread(partial(self._panes.state.inputs.take, data, owner=who))
                return JSONResponse(sent._asdict())
            if scope["method"] == "PUT" and name == "training-picture":
                return await self._take_picture(scope, receive, asked, who)
            if scope["method"] == "PUT" and name == "lora":
                return await self._take_lora(scope, receive, asked, who)
            return await self._told(scope, receive, name, who)
        except LoraMixerError as error:
            status = 404 if isinstance(error, MissingFileError) else 400
            text = error_text(error, language_of(scope))
            return JSONResponse({"error": text}, status_code=status)
        except Exception as error:  # noqa: BLE001 told to whoever asked, and to the log
            _LOG.exception("an error nobody expected, at %s", scope["path"])
            text = f"Something went wrong inside the program ({type(error).__name__}). The server's log says what."
            return _refusal(scope, text, 500)

    async def _told(self, scope: Scope, receive: Receive, name: str, who: str) -> Response:
        if scope["method"] != "POST" or name not in QUESTIONS:
            return _refusal(scope, "There is no such thing.", 404)
        if Headers(scope=scope).get("content-type", "").partition(";")[0] != "application/json":
            return JSONResponse({"error": "Send JSON."}, status_code=415)
        sent = _table(await _whole(receive, MOST_ASKED)) | {
            "near": self._is_near(scope),
            "language": language_of(scope),
        }
        return JSONResponse(await asyncio.to_thread(QUESTIONS[name], self._panes, who, sent))

    def _shown(self, scope: Scope, name: str, asked: Mapping[str, str], who: str) -> Response:
        """Return a picture: a LoRA's preview, or one that was sent; or a file of a training."""
        if name in TRAINING_FILES:
            owner = require_trusted(who, near=self._is_near(scope))
            path = TRAINING_FILES[name](
                self._panes.training, asked.get("training", ""), asked.get("file", ""), owner=owner
            )
            return FileResponse(
                path, headers={"cache-control": "private, no-cache", "x-content-type-options": "nosniff"}
            )
        if name == "preview":
            entry, picture = self._panes.state.library.preview(asked.get("name", ""))
            return FileResponse(self._panes.state.thumbs.of(picture, name=entry.name), headers=_KEPT)
        if name == "input":
            path = self._panes.state.inputs.path(asked.get("id", ""), owner=who)
            return FileResponse(path, media_type=_kind(path), headers=_KEPT | {"x-content-type-options": "nosniff"})
        return _refusal(scope, "There is no such thing.", 404)

    async def _take_picture(self, scope: Scope, receive: Receive, asked: Mapping[str, str], who: str) -> Response:
        owner = require_trusted(who, near=self._is_near(scope))
        data = await _whole(receive, LARGEST)
        take = partial(self._panes.training.take, owner=owner)
        await asyncio.to_thread(take, asked.get("training", ""), asked.get("file", ""), data)
        return JSONResponse(None)

    async def _take_lora(self, scope: Scope, receive: Receive, asked: Mapping[str, str], who: str) -> Response:
        if not who and not self._is_near(scope):
            text = "LoRAs are taken in from this machine, or after a login only."
            return _refusal(scope, text, 403)
        places = self._panes.state.library.places()
        if asked.get("folder") not in places:
            raise RequestError("there is no such folder for LoRAs", remedy="Name one in models.toml, under folders.")
        length = Headers(scope=scope).get("content-length", "")
        path = await take_file(
            places[asked["folder"]],
            asked.get("name", ""),
            int(length) if length.isdecimal() and len(length) < 16 else 0,
            _pieces(receive),
            check=partial(_require_lora, asked.get("name", "")),
        )
        await asyncio.to_thread(self._panes.state.loras.library.refresh)
        return JSONResponse({"name": self._panes.state.loras.library.find(path, paths=False).name})


def _refusal(scope: Scope, text: str, status: int) -> Response:
    return JSONResponse({"error": line_text(text, language_of(scope))}, status_code=status)


def _require_lora(name: str, path: Path) -> None:
    """Refuse what is no LoRA that can be read safely.

    Raises:
        FileError, AdapterError: It is not.
    """
    try:
        parsed = parse_adapter(open_tensor_file(path))
    except LoraMixerError as error:
        raise type(error)(error.what, where=name, remedy=error.remedy) from error
    if not parsed.groups and not parsed.embeddings:
        raise BrokenFileError(
            "there is no LoRA in this file",
            where=name,
            remedy="Checkpoints go into models.toml, other files elsewhere.",
        )


def _table(data: bytes) -> dict[str, Any]:
    try:
        sent = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        sent = None
    if not isinstance(sent, dict):
        raise RequestError("this is no table", remedy="Load the page anew.")
    return sent


def _query(scope: Scope) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(scope["query_string"].decode("latin-1")).items()}


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message: Mapping[str, Any] = await receive()
        if message["type"] == "http.disconnect":
            return
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


async def _whole(receive: Receive, most: int) -> bytes:
    data = bytearray()
    async for piece in _pieces(receive):
        data += piece
        if len(data) > most:
            raise RequestError("this is too large", remedy=f"Send at most {most // 1024:,} KiB.")
    return bytes(data)


def _kind(path: Path) -> str:
    """Return the media type of a picture that was decoded once, by its first bytes."""
    with path.open("rb") as picture:
        start = picture.read(12)
    kinds = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}
    return next((kind for mark, kind in kinds.items() if start.startswith(mark)), "image/avif")
