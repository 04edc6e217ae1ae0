"""Requests from Python rendered into a folder that can be gone on with."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_mixer import Cancel, Mixer, RenderRequest
from lora_mixer.errors import CancelledError, RequestError
from lora_mixer.images import read_picture

REQUESTS = [
    RenderRequest("cat", seed=7, steps=2, loras={"line_art": 0.8}),
    RenderRequest("sun", seed=8, steps=2),
    RenderRequest("tree", seed=9, steps=2, loras={"night_sky": 0.5}),
]


def test_a_run_leaves_pictures_with_records_and_a_second_one_makes_none(mixer: Mixer, tmp_path: Path) -> None:
    result = mixer.run(REQUESTS, tmp_path / "run", title="three", batch=2)
    result.check()
    assert (result.rendered, result.found) == (3, 0)
    records = [read_picture(path).record for path in sorted((tmp_path / "run" / "images").iterdir())]
    assert [record.settings.prompt for record in records if record] == ["cat", "sun", "tree"]
    assert (tmp_path / "run" / "grid.png").is_file()
    again = mixer.run(REQUESTS, tmp_path / "run", batch=2)
    assert (again.rendered, again.found) == (0, 3)


def test_a_run_that_was_stopped_goes_on_with_the_same_call(mixer: Mixer, tmp_path: Path) -> None:
    cancel = Cancel()
    with pytest.raises(CancelledError):
        mixer.run(REQUESTS, tmp_path, batch=1, cancel=cancel, on_progress=lambda at: at.done and cancel.press())
    result = mixer.run(REQUESTS, tmp_path, batch=1)
    assert result.found >= 1
    assert result.found + result.rendered == 3


def test_a_run_of_nothing_is_refused(mixer: Mixer, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="nothing to render"):
        mixer.run([], tmp_path)
