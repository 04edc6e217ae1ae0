"""A mix by itself, in a small file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer import Curve, ElementWeight, LoraUse, Mix, Rectangle, Strength
from lora_mixer.errors import ConfigError, MissingFileError, RequestError
from lora_mixer.promptfile import mix_text, parse_mix, read_mix

NUMBERS = st.floats(-4, 4, allow_nan=False)
FRACTIONS = st.floats(0, 1, allow_nan=False)
ELEMENTS = st.builds(
    ElementWeight,
    blocks=st.lists(st.sampled_from(["BASE", "IN01", "IN02", "MID", "OUT00"]), max_size=4, unique=True).map(tuple),
    layers=st.just(("attn", "proj")),
    others=st.booleans(),
    weight=NUMBERS,
)
USES = st.builds(
    LoraUse,
    name=st.text(min_size=1, max_size=12).filter(lambda name: name.isprintable()),
    strength=st.builds(
        Strength,
        denoiser=NUMBERS,
        text=st.dictionaries(st.sampled_from(["te1", "te2"]), NUMBERS),
        blocks=st.dictionaries(st.sampled_from(["BASE", "MID", "IN01"]), NUMBERS),
        curve=st.none()
        | st.lists(st.tuples(FRACTIONS, NUMBERS), min_size=1, max_size=4).map(lambda p: Curve(points=tuple(sorted(p)))),
        mask=st.none() | st.builds(Rectangle, left=FRACTIONS, top=FRACTIONS, right=FRACTIONS, bottom=FRACTIONS),
        negative=st.booleans(),
        rank=st.none() | st.integers(1, 9),
        elements=st.lists(ELEMENTS, max_size=3).map(tuple),
    ),
)


@given(uses=st.lists(USES, min_size=1, max_size=4))
def test_a_mix_written_is_the_mix_read(uses: list[LoraUse]) -> None:
    assert parse_mix(mix_text(uses).encode(), where="x") == Mix(tuple(uses))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "loras"),
        (b"[[loras]]\nname = 'a'\nstrenght = 1\n", "strength"),
        (b"[[loras]]\nname = 'a'\nunet = nan\n", "unet"),
        (b"\xff\xfe", "TOML"),
        (b"a = " + b"[" * 10_000, "TOML"),
        (b"#" * (1024 * 1024 + 1), "1 MiB"),
    ],
)
def test_what_is_no_mix_is_refused_with_the_place(data: bytes, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_mix(data, where="x.toml")


def test_a_mix_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        read_mix(tmp_path / "no.toml")


def test_a_mask_that_is_a_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="picture"):
        mix_text([LoraUse(name="a", strength=Strength(mask=tmp_path))])
