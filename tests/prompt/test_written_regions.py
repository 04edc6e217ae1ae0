"""Regions written in a prompt: SwarmUI's tags and Regional Prompter's words, by the examples of their documents."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lora_mixer import Rectangle, Region
from lora_mixer.errors import PromptError
from lora_mixer.places import RestOfPicture
from lora_mixer.prompt import divided, own_rewritten, parse


def masks(prompt: str, negative: str = "") -> list[tuple[float, ...] | object]:
    found = (one.region.mask for one in divided(prompt, negative).regions)
    return [
        tuple(round(side, 3) for side in (m.left, m.top, m.right, m.bottom)) if isinstance(m, Rectangle) else m
        for m in found
    ]


def test_swarms_example_is_two_regions_and_a_prompt_for_the_rest() -> None:
    parts = divided(
        "a photo of a cat/dog mix <region:0,0,1,0.5,1> a photo of a cat <region:0,0.5,1,0.5,1> a photo of a dog"
    )
    assert parts.prompt == "a photo of a cat/dog mix "
    cat, dog = (one.region for one in parts.regions)
    assert cat == Region("a photo of a cat", mask=Rectangle(left=0, top=0, right=1, bottom=0.5))
    assert dog == Region("a photo of a dog", mask=Rectangle(left=0, top=0.5, right=1, bottom=1))


def test_a_tag_says_strength_and_feather_and_words() -> None:
    text = "x <region: 0, 0, .5, 1, 0.5, feather=0.1> a <REGION:auto,words=red heart>b<lora:ink:1><region:background>c"
    first, second, third = divided(text).regions
    assert first.region == Region("a", mask=(0, 0, 0.5, 1), weight=0.5, feather=0.1)
    assert second.region == Region("b<lora:ink:1>", mask="auto", words="red heart")
    assert third.region == Region("c", mask=RestOfPicture())
    assert [text[one.at :].startswith(one.region.prompt) for one in (first, second, third)] == [True] * 3


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("<region:0,0,1>", "x, y, width and height"),
        ("<region:0,0,a,1>", "'a' in a region is not a number"),
        ("<region:0.5,0,0.6,1>", "no part of the picture"),
        ("<region:0,0,1,1,2>", "weight of a region is 2"),
        ("<region:0,0,1,1,fether=1>", "has no 'fether'"),
        ("<region:auto>", "no words it could be found by"),
    ],
)
def test_a_place_that_is_none_is_refused_where_it_stands(tag: str, said: str) -> None:
    with pytest.raises(PromptError, match=said) as error:
        divided(f"abc {tag}")
    assert error.value.position == 4


def test_escaped_and_commented_tags_are_no_regions() -> None:
    text = "a \\<region:0,0,1,1> b # <region:0,0,1,1>"
    assert divided(text).regions == ()
    with pytest.raises(PromptError, match="region stands in the negative"):
        parse("a <region:0,0,1,1> b", negative=True)


def test_columns_rows_and_both_as_regional_prompter_divides_them() -> None:
    half, third = (0, 0.5, 1), (0, 0.333, 0.667, 1)
    assert masks("a ADDCOL b") == [(x, 0, y, 1) for x, y in pairwise(half)]
    assert masks("a ADDROW b ADDROW c") == [(0, x, 1, y) for x, y in pairwise(third)]
    text = "(blue sky:1.2) ADDCOL\ngreen hair ADDCOL\n(aquarium:1.3) ADDROW\n(messy desk:1.2) ADDCOL\norange dress"
    assert masks(text) == [
        *((x, 0, y, 0.5) for x, y in pairwise(third)),
        *((x, 0.5, y, 1) for x, y in pairwise(half)),
    ]
    assert [one.region.prompt for one in divided(text).regions][3:] == ["(messy desk:1.2)", "orange dress"]


def test_what_is_common_begins_every_region_and_its_loras_act_everywhere() -> None:
    parts = divided("fantasy <lora:ink:1> ADDCOMM\nsky ADDROW\ncastle")
    assert [one.region.prompt for one in parts.regions] == ["fantasy, sky", "fantasy, castle"]
    assert parts.prompt == "fantasy <lora:ink:1>"


def test_a_base_is_read_everywhere_at_a_share() -> None:
    parts = divided("a girl ADDBASE\nred hair BREAK\ngreen dress")
    assert parts.prompt == "a girl"
    assert [(one.region.prompt, one.region.weight) for one in parts.regions] == [
        ("red hair", 0.8),
        ("green dress", 0.8),
    ]


def test_break_keeps_its_meaning_without_a_word_of_regional_prompter_and_beside_columns() -> None:
    assert divided("a BREAK b").regions == ()
    assert [one.region.prompt for one in divided("a BREAK b ADDCOL c").regions] == ["a BREAK b", "c"]


def test_a_negative_prompt_of_as_many_parts_is_divided_too() -> None:
    parts = divided("a ADDCOL b", "x BREAK y")
    assert [one.region.negative for one in parts.regions] == ["x", "y"]
    assert divided("a ADDCOL b", "x").negative == "x"
    assert [one.region.negative for one in divided("a ADDCOL b", "x").regions] == [None, None]


def test_addp_finds_places_by_the_last_word() -> None:
    parts = divided("lady, white skirt, shirt ADDP\n(apple printed:1.4),shirt")
    (one,) = parts.regions
    assert parts.prompt == "lady, white skirt, shirt"
    assert (one.region.mask, one.region.words) == (None, "shirt")


def test_too_many_regions_are_refused() -> None:
    with pytest.raises(PromptError, match="32 are the most"):
        divided("a ADDCOL " * 40)
    with pytest.raises(PromptError, match="32 are the most"):
        divided("<region:0,0,1,1> a" * 40)


def test_a_style_is_laid_over_the_picture_s_own_part() -> None:
    text = "cat <region:0,0,1,1> dog"
    assert own_rewritten(text, lambda own: f"{own}, ink") == "cat, ink <region:0,0,1,1> dog"
