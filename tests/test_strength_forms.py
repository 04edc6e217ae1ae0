"""Strengths are stored as 0.1 wrote them, read from any form, and made by old names with a warning."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from lora_mixer import RenderRequest, Strength
from lora_mixer.errors import RequestError
from lora_mixer.images.record import plain
from lora_mixer.ledger.digest import request_digest

READER = TypeAdapter(Strength)
NUMBERS = st.floats(-2, 2, allow_nan=False)
KEYS_OF_0_1 = ["unet", "te1", "te2", "blocks", "curve", "mask", "negative", "rank", "elements"]


@given(st.builds(Strength, NUMBERS, text=st.dictionaries(st.sampled_from(["te1", "te2"]), NUMBERS)))
def test_what_is_stored_has_the_keys_of_0_1_and_is_read_back(strength: Strength) -> None:
    stored = plain(strength)
    assert isinstance(stored, dict)
    assert list(stored) == KEYS_OF_0_1
    assert READER.validate_json(json.dumps(stored)) == strength


def test_a_digest_is_that_of_0_1() -> None:
    """Written with 0.1: `RenderRequest("cat", loras=[LoraUse("a", Strength(unet=0.5, te1=0.25))])`."""
    request = RenderRequest("cat", loras={"a": Strength(0.5, text=0.25)})
    assert request_digest(request) == "1728adfd49c25a60b549c1116fa39386516fe2c409c96bd52f13aa22aa92f3f0"


def test_today_s_names_are_read_too() -> None:
    assert READER.validate_python({"denoiser": 0.8, "text": {"te2": 0.1}}) == Strength(0.8, text={"te2": 0.1})


def test_old_names_work_with_a_warning_that_says_the_new_one() -> None:
    with pytest.warns(DeprecationWarning, match=r"Strength\(unet=...\) is called denoiser"):
        old = Strength(unet=0.8)  # type: ignore[call-arg]
    with pytest.warns(DeprecationWarning, match=r"Strength\(te1=...\) is called text"):
        old = replace(old, te1=0.5)  # type: ignore[call-arg]
    assert old == Strength(0.8, text=0.5)
    with pytest.warns(DeprecationWarning, match="Strength.te1 is called text"):
        assert old.te1 == 0.5  # type: ignore[attr-defined]
    with pytest.warns(DeprecationWarning, match="denoiser"):
        assert (old.unet, old.of("unet")) == (0.8, 0.8)  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Strength(0.8, text={"te1": 0.5}) == old


def test_an_encoder_follows_the_one_before_it_and_the_first_the_denoiser() -> None:
    assert [Strength(0.5).of(part) for part in ("denoiser", "te1", "te2")] == [0.5, 0.5, 0.5]
    assert [Strength(0.5, text={"te2": 0.1}).of(part) for part in ("te1", "te2")] == [0.5, 0.1]
    assert Strength(0.5, text=0.2).of("te2") == 0.2


def test_parts_that_no_family_has_are_refused() -> None:
    for wrong in (lambda: Strength(0.5).of("te3"), lambda: Strength(text={"te3": 1.0}), lambda: Strength(text="a")):
        with pytest.raises(RequestError, match=r"te3|a number or factors"):
            wrong()
