"""What was sent with a question, checked: a text, a whole number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lora_mixer.errors import RequestError


def sent_text(sent: Mapping[str, Any], key: str) -> str:
    """Return a text that was sent, empty where there is none.

    Raises:
        RequestError: It is something else.
    """
    value = sent.get(key)
    if value is not None and not isinstance(value, str):
        raise RequestError(f"{key} is no text", remedy="Load the page anew.")
    return value or ""


def sent_whole(sent: Mapping[str, Any], key: str) -> int:
    """Return a whole number that was sent.

    Raises:
        RequestError: It is something else, or there is none.
    """
    value = sent.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise RequestError(f"{key} is no number", remedy="Load the page anew.")
    return value
