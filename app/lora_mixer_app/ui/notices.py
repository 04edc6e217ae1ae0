"""Errors as notices: what happened and what to do, never a stack or a path of the server's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from lora_mixer import LoraMixerError

_MARKS = frozenset(r"\`*_{}[]<>()#+-.!|~$&:")


@contextmanager
def as_notice() -> Iterator[None]:
    """Turn an error of ours into a notice on the page.

    Raises:
        gr.Error: Its words and its remedy.
    """
    try:
        yield
    except LoraMixerError as error:
        raise gr.Error(str(error), print_exception=False) from error


def as_text(text: str) -> str:
    r"""Return a stranger's text so that Markdown shows it as it is.

    >>> as_text("a_b <b>")
    'a\\_b \\<b\\>'
    """
    return "".join(f"\\{letter}" if letter in _MARKS else letter for letter in text)
