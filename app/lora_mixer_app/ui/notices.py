"""Errors as notices: what happened and what to do, never a stack or a path of the server's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from lora_mixer import LoraMixerError


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
