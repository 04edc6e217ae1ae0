"""Callers' prompts, requests and keyword fields, turned into requests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, cast

from lora_mixer.errors import RequestError
from lora_mixer.fieldtypes import wrong_type
from lora_mixer.mixer.options import RequestOptions
from lora_mixer.request import RenderRequest


def as_request(request: RenderRequest | str, options: RequestOptions) -> RenderRequest:
    """Return a request, or a prompt as one, with fields replaced.

    Raises:
        RequestError: It is neither, there is no such field, or one has a value of the wrong type.
    """
    given: object = request
    if not isinstance(given, str | RenderRequest):
        raise wrong_type(
            "Mixer", "the request", given, "a prompt or a RenderRequest", 'mixer.render("cat"); render_many takes lists'
        )
    return replace(RenderRequest(given) if isinstance(given, str) else given, **cast("dict[str, Any]", options))


def as_requests(requests: Iterable[RenderRequest | str], options: RequestOptions) -> list[RenderRequest]:
    """Return many requests, each with fields replaced.

    >>> [request.prompt for request in as_requests(["cat", "sun"], {"steps": 4})]
    ['cat', 'sun']

    Raises:
        RequestError: It is not a list of requests or prompts; see `as_request`.
    """
    if isinstance(requests, str):
        raise RequestError("a single prompt is not a list", remedy="Write [prompt], or use render.")
    given: object = requests
    if not isinstance(given, Iterable):
        raise wrong_type("Mixer", "requests", given, "a list of them", 'mixer.render_many(["cat", "sun"])')
    return [as_request(request, options) for request in requests]


def as_path(given: object, *, example: str) -> Path:
    """Return where something is to be written.

    Raises:
        RequestError: It is no path.
    """
    if not isinstance(given, (str, PathLike)) or not str(given):
        raise wrong_type("Mixer", "path", given, "a path", example)
    return Path(given)
