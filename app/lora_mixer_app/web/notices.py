"""Show errors as notices: what happened and what to do, never a stack trace or a server path."""

from __future__ import annotations

import functools
import inspect
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from lora_mixer import LoraMixerError
from lora_mixer_app.serving.languages import language_in
from lora_mixer_app.web.error_i18n import error_text, line_text

_LOG = logging.getLogger(__name__)
_MARKS = frozenset(r"\`*_{}[]<>()#+-.!|~$&:")


@contextmanager
def as_notice() -> Iterator[None]:
    """Turn an error into a notice on the page: one of ours with its words, any other with where to read about it.

    What nobody expected goes into the log with its stack, under a mark that the notice names.

    Raises:
        gr.Error: The notice.
    """
    try:
        yield
    except LoraMixerError as error:
        raise gr.Error(error_in_words(error), print_exception=False) from error
    except gr.Error:
        raise
    except Exception as error:
        raise gr.Error(unexpected(error), print_exception=False) from error


def unexpected(error: Exception, request: gr.Request | None = None) -> str:
    """Log an error nobody expected with its stack, and return a sentence that names the mark it has there."""
    mark = secrets.token_hex(3)
    _LOG.error("an error nobody expected, %s", mark, exc_info=error)
    what = f"Something went wrong inside the program ({type(error).__name__})."
    return line_in_words(f"{what} The server's log says what, under {mark}.", request)


def noticed(listener: Callable[..., Any], *, shown: bool = True) -> Callable[..., Any]:
    """Return a listener of the page whose errors, whatever they are, reach whoever called it, and the log.

    Args:
        listener: The listener.
        shown: Whether the page shows its errors, as markup; scripts are answered the plain text.
    """
    if inspect.isgeneratorfunction(listener):

        @functools.wraps(listener)
        def heard(*values: Any, **named: Any) -> Iterator[Any]:  # noqa: ANN401 whatever the components hold
            with _as_markup(shown), as_notice():
                yield from listener(*values, **named)

        return heard

    @functools.wraps(listener)
    def answered(*values: Any, **named: Any) -> Any:  # noqa: ANN401 whatever the components hold
        with _as_markup(shown), as_notice():
            return listener(*values, **named)

    return answered


def error_in_words(error: LoraMixerError, request: gr.Request | None = None) -> str:
    """Return an error in the language of who asks (of the listener's own request where none is given), without folders."""
    return error_text(error, language_of(request))


def line_in_words(line: str, request: gr.Request | None = None) -> str:
    """Return a note, or the line that an error became, as `error_in_words` does an error."""
    return line_text(line, language_of(request))


def language_of(request: gr.Request | None = None) -> str:
    """Return `zh` or `en`, whichever who asks reads (who made the listener's own request where none is given)."""
    asked = request or LocalContext.request.get(None)
    return language_in(asked.headers) if asked is not None else "en"


@contextmanager
def _as_markup(shown: bool) -> Iterator[None]:  # noqa: FBT001 a listener's
    """Let a notice's text be a text: Gradio shows it as markup, in which `<lora:ink:1>` would be nothing."""
    try:
        yield
    except gr.Error as error:
        if shown:
            error.message = escape(error.message, quote=False)
        raise


def warn(text: str) -> None:
    """Show a text on the page by the way."""
    gr.Warning(escape(text, quote=False))


def as_text(text: str) -> str:
    r"""Return a stranger's text so that Markdown shows it as it is.

    >>> as_text("a_b <b>")
    'a\\_b \\<b\\>'
    """
    return "".join(f"\\{letter}" if letter in _MARKS else letter for letter in text)
