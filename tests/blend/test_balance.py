"""Balanced strengths: no block changes more than one LoRA changes it, and what may be moved are numbers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from lora_mixer import LoraUse, Mixer, RenderRequest, Strength
from lora_mixer.blend.balance import WHOLE, sizes
from lora_mixer.errors import RequestError
from lora_mixer.mixer import rerender
from lora_mixer.mixes import ElementWeight
from lora_mixer_app.cli.program import build

NAMES = ("line_art", "high_contrast", "pixel_art", "sepia")
SMALL: dict[str, Any] = {"seed": 3, "steps": 2, "width": 64, "height": 64}


def told(mixer: Mixer, uses: Any) -> Any:
    return mixer.balanced(uses, per="off").sizes


@given(
    strengths=st.lists(st.floats(-1.5, 1.5).map(lambda s: round(s, 2)), min_size=2, max_size=4),
    blocks=st.dictionaries(st.sampled_from(["IN01", "MID", "OUT03", "BASE"]), st.floats(0, 2), max_size=2),
    per=st.sampled_from(["block", "mix"]),
)
@settings(max_examples=12, deadline=None)
def test_together_they_change_no_more_than_the_largest_did(
    mixer: Mixer, strengths: list[float], blocks: dict[str, float], per: str
) -> None:
    elements = (ElementWeight(layers=("attn",), weight=0.5), ElementWeight(blocks=("MID", "IN01"), weight=1.5))
    first = LoraUse(NAMES[0], Strength(strengths[0], text=0.9, blocks=blocks, elements=elements))
    uses = [first, *(LoraUse(name, Strength(s)) for name, s in zip(NAMES[1:], strengths[1:], strict=False))]
    found = mixer.balanced(uses, per=per)
    after = told(mixer, found.uses)
    for block in [WHOLE] if per == "mix" else found.sizes.keys() - {WHOLE}:
        before = found.sizes[block]
        assert after[block].together <= before.largest * (1 + 1e-6) or before.together <= before.largest
        assert after[block].together >= min(before.together, before.largest) * 0.99  # no smaller than need be
    assert [use.name for use in found.uses] == [use.name for use in uses]


def test_one_lora_and_a_mix_that_takes_itself_back_stay_as_they_are(mixer: Mixer) -> None:
    for uses in ({"line_art": 0.8}, [LoraUse("sepia", Strength(1.0)), LoraUse("sepia", Strength(-0.6))]):
        found = mixer.balanced(uses)
        assert found.factors == {}
        assert [use.strength for use in found.uses] == [use.strength for use in mixer.balanced(uses, per="off").uses]


def test_order_changes_nothing_and_a_lora_for_the_negative_prompt_stays(mixer: Mixer) -> None:
    mix = [LoraUse("line_art", Strength(1.0)), LoraUse("high_contrast", Strength(0.9))]
    away = LoraUse("sepia", Strength(1.0, negative=True))
    found, turned = mixer.balanced([*mix, away]), mixer.balanced([away, *reversed(mix)])
    assert found.factors == turned.factors
    assert min(found.factors.values()) < 0.9
    assert found.uses[2] == away
    assert sorted(map(repr, found.uses)) == sorted(map(repr, turned.uses))


def test_the_numbers_are_what_the_setting_draws_with(mixer: Mixer) -> None:
    loras = {"line_art": 1.0, "high_contrast": 0.9}
    asked = mixer.render(RenderRequest("cat", loras=loras, balance="block", **SMALL))  # type: ignore[arg-type]
    by_hand = mixer.render(RenderRequest("cat", loras=mixer.balanced(loras).uses, **SMALL))
    tagged = mixer.render(RenderRequest("cat <lora:line_art:1> <lora:high_contrast:0.9>", balance="Block", **SMALL))
    plain = mixer.render(RenderRequest("cat", loras=loras, **SMALL))  # type: ignore[arg-type]
    assert np.array_equal(np.asarray(asked.image), np.asarray(by_hand.image))
    assert np.array_equal(np.asarray(asked.image), np.asarray(tagged.image))
    assert not np.array_equal(np.asarray(asked.image), np.asarray(plain.image))
    assert any(note.startswith("strengths are balanced by these factors: ") for note in asked.record.notes)
    assert asked.record.settings.balance == "block"
    assert np.array_equal(np.asarray(rerender(mixer, asked.record).image), np.asarray(asked.image))


def test_an_unknown_balance_is_refused_with_the_nearest(mixer: Mixer) -> None:
    with pytest.raises(RequestError, match="Did you mean block"):
        mixer.balanced({"line_art": 1.0}, per="bloc")


def test_the_command_prints_numbers_and_writes_a_mix(tmp_path: Any) -> None:
    target = tmp_path / "even.toml"
    said = CliRunner().invoke(
        build("balance"),
        ["balance", "line_art=1", "high_contrast=1", "--per", "mix", "--json", "-o", str(target)],
        catch_exceptions=False,
    )
    found = json.loads(said.stdout)
    assert 0.6 < found["factors"][WHOLE] < 0.8
    assert {row["name"] for row in found["loras"]} == {"line_art", "high_contrast"}
    assert f"strength = {found['factors'][WHOLE]}" in target.read_text(encoding="utf-8")


def test_sizes_of_nothing_are_nothing() -> None:
    assert sizes([], {}, []) == {}
