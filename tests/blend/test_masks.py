"""Masks: shares of area at every resolution, and where an adapter acts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lora_mixer.blend.masks import levels, open_mask
from lora_mixer.errors import BrokenFileError, MissingFileError, RequestError
from lora_mixer.families import SD1, places_of
from lora_mixer.mixes import Rectangle
from lora_mixer.modules import DENOISER, Sees

fractions = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted).filter(lambda pair: pair[1] - pair[0] > 1e-3)
sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))


@given(across=fractions, down=fractions, size=sizes)
def test_a_rectangle_keeps_its_area_at_every_resolution(
    across: list[float], down: list[float], size: tuple[int, int]
) -> None:
    mask = open_mask(Rectangle(left=across[0], right=across[1], top=down[0], bottom=down[1]))
    area = (across[1] - across[0]) * (down[1] - down[0])
    shares = mask.at(*size)
    assert shares.shape == size
    assert 0.0 <= float(shares.min()) <= float(shares.max()) <= 1.0 + 1e-9
    assert float(shares.mean()) == pytest.approx(area)
    assert mask.mean == pytest.approx(area)


def test_cells_on_the_edge_of_a_rectangle_hold_the_share_it_covers() -> None:
    mask = open_mask(Rectangle(left=0.25, right=1.0, top=0.0, bottom=0.5))
    assert mask.at(2, 2).tolist() == [[0.5, 1.0], [0.0, 0.0]]


@given(size=sizes)
def test_a_picture_keeps_its_mean_at_every_resolution(
    tmp_path_factory: pytest.TempPathFactory, size: tuple[int, int]
) -> None:
    path = tmp_path_factory.mktemp("mask") / "mask.png"
    grey = np.random.default_rng(1).integers(0, 256, (24, 36), dtype=np.uint8)
    Image.fromarray(grey).save(path)
    assert float(open_mask(path).at(*size).mean()) == pytest.approx(float(grey.mean()) / 255)


def test_white_acts_black_and_transparent_do_not(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (2, 2), (255, 255, 255, 255))
    picture.putpixel((1, 0), (0, 0, 0, 255))
    picture.putpixel((0, 1), (255, 255, 255, 0))
    picture.save(tmp_path / "mask.png")
    assert open_mask(tmp_path / "mask.png").at(2, 2).tolist() == [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    "edges", [(0.5, 0, 0.5, 1), (0.6, 0, 0.4, 1), (0, -0.1, 1, 1), (0, 0, 1, 1.5), (0, 0, float("nan"), 1)]
)
def test_a_rectangle_without_area_in_the_picture_is_refused(edges: tuple[float, ...]) -> None:
    left, top, right, bottom = edges
    with pytest.raises(RequestError, match="no part of the picture"):
        open_mask(Rectangle(left=left, top=top, right=right, bottom=bottom))


def test_a_mask_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="mask"):
        open_mask(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(BrokenFileError, match="mask"):
        open_mask(tmp_path / "text.png")


@given(size=sizes)
def test_levels_halve_down_to_one_cell(size: tuple[int, int]) -> None:
    steps = list(levels(*size))
    assert steps[0] == size
    assert steps[-1] == (1, 1)
    assert len({h * w for h, w in steps}) == len(steps)


@pytest.mark.parametrize(
    ("path", "placed"),
    [
        ("down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_k", True),
        ("down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_q", True),
        ("down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_v", False),
        ("down_blocks.0.resnets.0.time_emb_proj", False),
        ("time_embedding.linear_1", False),
        ("add_embedding.linear_2", False),
        ("conv_in", True),
    ],
)
def test_what_sees_text_or_the_time_step_has_no_place(path: str, placed: bool) -> None:
    assert (places_of(SD1, DENOISER, [path])[path].sees is Sees.PICTURE) is placed
    assert places_of(SD1, "te1", [path])[path].sees is Sees.TEXT


def test_resizing_is_exact_where_cells_nest() -> None:
    mask = open_mask(Rectangle(left=0.125, right=0.75, top=0.25, bottom=1.0))
    fine = mask.at(16, 16)
    assert torch.allclose(mask.at(4, 4), fine.reshape(4, 4, 4, 4).mean(dim=(1, 3)))
