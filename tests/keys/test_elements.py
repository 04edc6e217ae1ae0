"""Weights by kind of layer: how they are written, and which layers they mean."""

from __future__ import annotations

import pytest

from lora_mixer import ElementWeight
from lora_mixer.errors import RequestError
from lora_mixer.families import SDXL
from lora_mixer.keys import ELEMENT_PRESETS, elements_text, means, parse_elements
from lora_mixer.modules import DENOISER, ModuleName
from tests.support.specs import specs_of

ATTN = ModuleName(DENOISER, "down_blocks.1.attentions.1.transformer_blocks.0.attn2.to_k")  # IN05
PROJ = ModuleName(DENOISER, "down_blocks.1.attentions.1.proj_in")
FEED = ModuleName(DENOISER, "down_blocks.1.attentions.1.transformer_blocks.0.ff.net.0.proj")
CONV = ModuleName(DENOISER, "down_blocks.1.resnets.1.conv1")
SHALLOW = ModuleName(DENOISER, "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k")  # IN01
MIDDLE = ModuleName(DENOISER, "mid_block.attentions.0.transformer_blocks.0.attn1.to_q")
TEXT = ModuleName("te1", "text_model.encoder.layers.0.self_attn.q_proj")
TEXT2 = ModuleName("te2", "text_model.encoder.layers.0.mlp.fc1")
ALL = {ATTN, PROJ, FEED, CONV, SHALLOW, MIDDLE, TEXT, TEXT2}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("IN05-OUT05:attn:0", {ATTN, MIDDLE}),
        ("IN05-OUT05/proj/0", {PROJ, FEED}),
        ("OUT05-IN05/proj/0", {PROJ, FEED}),
        ("M00/attn/0", {MIDDLE}),
        ("mid in01/attn/0", {MIDDLE, SHALLOW}),
        ("NOT IN05-OUT05/attn/0", {SHALLOW, TEXT}),
        ("IN05/NOT attn proj/0", {CONV}),
        ("IN05/in_layers/0", {CONV}),
        ("IN05/conv1/0", set()),
        ("BASE/mlp_c_fc/0", {TEXT2}),
        ("//0", ALL),
    ],
)
def test_an_element_means_the_layers_that_the_extension_changes(text: str, meant: set[ModuleName]) -> None:
    (element,) = parse_elements(text)
    specs = specs_of(ALL, SDXL)
    assert {name for name in ALL if means(element, specs[name])} == meant
    assert parse_elements(elements_text([element])) == (element,)


@pytest.mark.parametrize("name", ELEMENT_PRESETS)
def test_a_preset_is_its_name(name: str) -> None:
    assert elements_text(parse_elements(name)) == name


@pytest.mark.parametrize(
    "text", ["", "FACES", "IN05/attn", "IN99/attn/0", "IN05/attn/x", "IN05/attn/nan", "IN05/NOT/1"]
)
def test_what_is_no_element_is_refused_with_what_can_be_written(text: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_elements(text)
    assert caught.value.remedy


@pytest.mark.parametrize("wrong", [{"blocks": "IN05"}, {"layers": [1]}, {"weight": "1"}, {"others": True}])
def test_wrong_types_are_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(RequestError, match="ElementWeight"):
        ElementWeight(**({"weight": 1.0} | wrong))  # type: ignore[arg-type]
