"""What goes wrong in a render reaches whoever asked for it, and the log."""

from __future__ import annotations

import logging
from typing import Any, cast

import gradio as gr
import pytest

from lora_mixer import Cancel, Mixer, RenderRequest
from lora_mixer.errors import FileError
from lora_mixer_app.web.notices import as_notice
from lora_mixer_app.web.stream import stream


class Failing:
    """A mixer whose renders end with an error."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def render(self, *_asked: Any, **_options: Any) -> None:
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("half a tensor"), KeyError("x"), MemoryError(), FileError("gone")])
def test_whatever_a_render_raises_is_raised_where_it_is_heard(error: Exception) -> None:
    with pytest.raises(type(error)):
        list(stream(cast("Mixer", Failing(error)), RenderRequest(prompt=""), cancel=Cancel()))


def test_an_error_nobody_expected_is_told_and_written_down_under_one_mark(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(gr.Error) as told, as_notice():
        list(stream(cast("Mixer", Failing(RuntimeError("half a tensor"))), RenderRequest(prompt=""), cancel=Cancel()))
    mark = caplog.records[0].args[0]
    assert "RuntimeError" in str(told.value.message)
    assert str(mark) in str(told.value.message)
    assert "half a tensor" not in str(told.value.message)
    assert "half a tensor" in caplog.text


@pytest.mark.parametrize(
    ("where", "said"),
    [("/home/ada/loras/a.safetensors", "a.safetensors: broken"), (r"C:\loras\a.safetensors", "a.safetensors: broken")],
)
def test_a_notice_names_files_without_the_folders_of_the_server(where: str, said: str) -> None:
    with pytest.raises(gr.Error) as told, as_notice():
        raise FileError("broken", where=where)
    assert told.value.message == said
