"""Sweeps and sheets from Python."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from PIL import Image

from lora_mixer import Mixer, RenderedImage, Sheet
from lora_mixer.errors import RequestError


def test_a_sweep_renders_every_combination_where_its_labels_say(mixer: Mixer, tmp_path: Path) -> None:
    sheet = mixer.sweep(
        "cat", {"line_art": [0, 1], "night_sky": [0, 0.5], "sepia": [0.5]}, seeds=[7, 8], steps=1, batch=8
    )
    assert sheet.labels.columns == ("line_art 0", "line_art 1")
    assert sheet.labels.rows[:2] == ("night_sky 0 · sepia 0.5 · seed 7", "night_sky 0 · sepia 0.5 · seed 8")
    told = []
    for row in sheet.cells:
        for cell in row:
            assert isinstance(cell, RenderedImage)
            mix = {use.name: use.strength.denoiser for use in cell.record.settings.loras}
            told.append((mix.get("night_sky", 0), cell.record.settings.seed, mix.get("line_art", 0), mix["sepia"]))
    assert told == [(n, s, x, 0.5) for n, s, x in itertools.product((0, 0.5), (7, 8), (0, 1))]
    (page,) = sheet.save(tmp_path / "sweep.png")
    with Image.open(page) as saved:
        assert saved.size == sheet.image.size
    assert sheet._repr_png_().startswith(b"\x89PNG")


def test_a_sweep_without_a_seed_compares_at_one_seed(mixer: Mixer) -> None:
    sheet = mixer.sweep("cat", {"line_art": [0, 1]}, steps=1)
    assert len({cell.record.settings.seed for row in sheet.cells for cell in row}) == 1  # type: ignore[union-attr]
    assert sheet.labels.rows == ()


@pytest.mark.parametrize("loras", [{}, {"line_art": []}])
def test_a_sweep_through_nothing_is_refused(mixer: Mixer, loras: dict[str, list[float]]) -> None:
    with pytest.raises(RequestError, match="a sweep goes through"):
        mixer.sweep("cat", loras)


def test_pictures_make_a_sheet_with_captions(mixer: Mixer, tmp_path: Path) -> None:
    pictures = list(mixer.render_many(["cat", "sun", "tree"], steps=1))
    sheet = Sheet.of(pictures, columns=2, captions=("cat", "sun", "tree"), title="three")
    assert sheet.labels.captions == (("cat", "sun"), ("tree",))
    assert len(sheet.save(tmp_path / "three.webp")) == 1
    with pytest.raises(RequestError):
        Sheet.of([])
