"""What is wrong, said beside the field where it is: places of the page, and errors that know theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import gradio as gr
from gradio.components import Component

from lora_mixer.errors import LoraMixerError
from lora_mixer_app.web.component import own_component
from lora_mixer_app.web.notices import error_in_words


class WrongField(Exception):  # noqa: N818 it carries an error to the place where that is said
    """An error of what stands in a field.

    Args:
        field: The field's name among the places of a tab.
        error: What is wrong with it.
    """

    def __init__(self, field: str, error: LoraMixerError) -> None:
        super().__init__(field, error)
        self.field, self.error = field, error


@contextmanager
def in_field(name: str) -> Iterator[None]:
    """Let errors know in which field they are.

    Raises:
        WrongField: One was raised.
    """
    try:
        yield
    except LoraMixerError as error:
        raise WrongField(name, error) from error


def wrong_place(elem_id: str, field: str = "") -> Component:
    """Lay out a line that says what is wrong with a field, given by a CSS selector: `static/tabs/wrong.js`."""
    return own_component("tabs/wrong.js", elem_id=f"{elem_id}-wrong", value={"says": ""}, field=field)


class Places:
    """The places of a tab where something may be wrong.

    Args:
        named: What each is called, and its line; the first takes errors of no field.
    """

    def __init__(self, named: Mapping[str, Component]) -> None:
        self.lines = list(named.values())
        self._names = list(named)

    def clear(self) -> tuple[object, ...]:
        """Return the lines' values where nothing is wrong."""
        return tuple({"says": ""} for _ in self._names)

    def told(self, error: LoraMixerError | WrongField, request: gr.Request) -> tuple[object, ...]:
        """Return the lines' values where an error is said in the reader's language, in its place."""
        field, what = (error.field, error.error) if isinstance(error, WrongField) else (self._names[0], error)
        return tuple({"says": error_in_words(what, request) if name == field else ""} for name in self._names)
