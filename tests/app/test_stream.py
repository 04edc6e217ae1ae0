"""What goes wrong in a render reaches whoever asked for it, and the log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
from PIL import Image

from lora_mixer import Cancel, Mixer, Progress, RenderRequest
from lora_mixer.errors import FileError
from lora_mixer_app.web.notices import as_notice
from lora_mixer_app.web.stream import Preview, stream


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


class Paced:
    """A mixer of four steps that waits for its reader; the second preview takes so long that the next two have none."""

    def __init__(self) -> None:
        self.seen = {step: threading.Event() for step in (1, 3, 4)}
        self.third = threading.Event()
        self.clock = 0.0

    def render(self, _asked: RenderRequest, *, on_progress: Callable[[Progress], None], **_options: Any) -> object:
        for step in (1, 2, 3, 4):
            preview = partial(self._preview, 9.0 if step == 2 else 0.0)
            on_progress(Progress(done=0, total=1, step=step, steps=4, batch=1, preview=preview, aside=nullcontext))
            if step == 3:
                self.third.set()
            if step in self.seen:
                assert self.seen[step].wait(60)
        return "the picture"

    def _preview(self, seconds: float) -> Image.Image:
        self.clock += seconds
        return Image.new("RGB", (8, 8))


def test_who_looks_late_sees_the_last_preview_with_the_newest_step_and_only_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mixer, heard = Paced(), []
    monkeypatch.setattr("lora_mixer_app.web.stream.time", SimpleNamespace(monotonic=lambda: mixer.clock))
    for event in stream(cast("Mixer", mixer), RenderRequest(prompt=""), cancel=Cancel()):
        if isinstance(event, Preview):
            heard.append((event.step, event.image is not None))
            mixer.seen[event.step].set()
            assert event.step != 1 or mixer.third.wait(60)
    assert heard == [(1, True), (3, True), (4, False)]


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
