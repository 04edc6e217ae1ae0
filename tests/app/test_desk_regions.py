"""Regions of the desk's document: what is rendered of them, and that every way back brings them onto the desk again."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image, ImageDraw

from lora_mixer import Mixer
from lora_mixer.errors import RequestError
from lora_mixer.places import DrawnMask, Rectangle, RestOfPicture
from lora_mixer.prompt import divided
from lora_mixer_app.web.desk.answers import answers
from lora_mixer_app.web.desk.as_prompt import document_prompt
from lora_mixer_app.web.desk.asked import asked_request
from lora_mixer_app.web.desk.document import read_document
from lora_mixer_app.web.desk.facts import document_facts
from lora_mixer_app.web.desk.found_places import picture_places, places_document
from lora_mixer_app.web.desk.mixes import read_mix, write_mix
from lora_mixer_app.web.desk.pictures import picture_document
from lora_mixer_app.web.state import AppState
from tests.support.people import person

MODELS = """
default = "emoji"

[models.emoji]
location = "builtin:emoji"
dtype = "float32"
"""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> AppState:
    folder = tmp_path_factory.mktemp("regions")
    (folder / "models.toml").write_text(MODELS)
    return AppState(Mixer.open(models_file=folder / "models.toml"), folder / "studio")


def drawn(state: AppState) -> str:
    image = Image.new("L", (64, 64), 0)
    ImageDraw.Draw(image).ellipse((4, 4, 40, 40), fill=255)
    out = io.BytesIO()
    image.save(out, "PNG")
    return state.inputs.take(out.getvalue()).id


def document(*regions: dict[str, Any], strips: tuple[dict[str, Any], ...] = (), **settings: object) -> dict[str, Any]:
    numbered = [{"number": number} | strip for number, strip in enumerate(strips, 1)]
    places = [{"number": number} | region for number, region in enumerate(regions, 1)]
    settings = {"steps": 1, "seed": 7, "width": 64, "height": 64} | settings
    return {"prompt": "two emoji", "strips": numbered, "regions": places, "settings": settings}


STRIPS = ({"name": "line_art", "strength": 0.8}, {"name": "sepia", "strength": 0.5}, {"name": "night_sky"})


def test_a_strip_acts_in_the_regions_that_name_it_and_one_that_none_names_acts_everywhere(state: AppState) -> None:
    left = {"prompt": "red heart", "mask": [0, 0, 0.5, 1], "strips": [1, 2], "feather": 0.1}
    other = {"prompt": "a rocket", "mask": "background", "strips": [2], "negative": "red", "weight": 0.5}
    asked = asked_request(state, person("a"), document(left, other, strips=STRIPS))
    assert asked.prompt == "two emoji <lora:night_sky:1>"
    assert not asked.loras
    assert [[(use.name, use.strength.denoiser) for use in one.loras] for one in asked.regions] == [
        [("line_art", 0.8), ("sepia", 0.5)],
        [("sepia", 0.5)],
    ]
    assert [type(one.mask) for one in asked.regions] == [Rectangle, RestOfPicture]
    assert (asked.regions[0].feather, asked.regions[1].weight, asked.regions[1].negative) == (0.1, 0.5, "red")


def test_solo_and_off_are_heard_in_regions_too(state: AppState) -> None:
    left = {"mask": [0, 0, 0.5, 1], "strips": [1, 2]}
    solo = ({**STRIPS[0], "solo": True}, STRIPS[1], STRIPS[2])
    asked = asked_request(state, person("a"), document(left, strips=solo) | {"prompt": "cat <lora:pixel_art:1>"})
    assert asked.prompt == "cat"
    assert [use.name for use in asked.regions[0].loras] == ["line_art"]
    off = ({**STRIPS[0], "on": False}, *STRIPS[1:])
    assert [use.name for use in asked_request(state, person("a"), document(left, strips=off)).regions[0].loras] == [
        "sepia"
    ]


def test_what_only_a_tag_can_say_of_a_strip_stands_in_its_regions_prompt(state: AppState) -> None:
    strips = ({**STRIPS[0], "hires": [None, 0.25]},)
    asked = asked_request(state, person("a"), document({"mask": [0, 0, 1, 0.5], "strips": [1]}, strips=strips))
    assert asked.regions[0].prompt == "<lora:line_art:0.8:hrunet=0.25>"
    assert not asked.regions[0].loras


def test_strips_beside_a_prompt_with_regions_of_its_own_act_everywhere(state: AppState) -> None:
    written = document(strips=STRIPS[:1]) | {"prompt": "two <region:0,0,0.5,1> a cat <lora:sepia:1>"}
    asked = asked_request(state, person("a"), written)
    assert asked.prompt == written["prompt"]
    assert [use.name for use in asked.loras] == ["line_art"]


def test_a_picture_with_regions_comes_back_onto_the_desk_and_makes_itself_again(state: AppState) -> None:
    tab, mask = person("a"), drawn(state)
    regions = (
        {"prompt": "red heart", "mask": {"id": mask}, "strips": [1], "feather": 0.2},
        {"prompt": "a rocket", "mask": [0.5, 0, 1, 1], "strips": [2, 1], "negative": "red"},
    )
    sent = document(*regions, strips=STRIPS)
    made = list(answers(state, tab, {"number": 1, "document": sent}))[-1]["picture"]
    laid = picture_document(state, tab, {"id": made["id"]})
    names = {strip["number"]: strip["name"] for strip in laid["strips"]}
    assert [[names[number] for number in one["strips"]] for one in laid["regions"]] == [
        ["line_art"],
        ["line_art", "sepia"],
    ]
    assert [one["negative"] for one in laid["regions"]] == [None, "red"]
    before, after = (asked_request(state, tab, one) for one in (sent, laid))
    assert (before.prompt, set(map(repr, before.regions))) == (after.prompt, set(map(repr, after.regions)))
    again = list(answers(state, tab, {"number": 2, "document": laid}))[-1]["picture"]
    pixels = [Image.open(state.history.get(one["id"]).path).tobytes() for one in (made, again)]
    assert pixels[0] == pixels[1]


def test_regions_go_through_toml_with_their_masks(state: AppState) -> None:
    tab = person("a")
    sent = document({"prompt": 'a "cat"', "mask": {"id": drawn(state)}, "strips": [2]}, strips=STRIPS)
    toml = write_mix(state, tab, {"document": sent})
    assert "[[regions]]" in toml
    back = read_mix(state, tab, {"toml": toml})
    before = asked_request(state, tab, sent)
    after = asked_request(state, tab, {**sent, "strips": back["strips"], "regions": back["regions"]})
    assert isinstance(after.regions[0].mask, DrawnMask)
    assert before.regions == after.regions
    assert before.prompt == after.prompt


def test_found_places_are_shown_and_given_back_as_masks_they_make_the_same_picture(state: AppState) -> None:
    tab = person("a")
    region = {"mask": "auto", "words": "red heart", "strips": [1]}
    sent = document(region, {"mask": "auto", "words": "cat"}, strips=STRIPS, steps=2) | {
        "prompt": "a red heart and a cat"
    }
    made = list(answers(state, tab, {"number": 1, "document": sent}))[-1]["picture"]
    assert made["places"] == 2
    found = picture_places(state, tab, {"id": made["id"]})
    assert {one["words"] for one in found} == {"red heart", "cat"}
    laid = places_document(state, tab, {"id": made["id"]})
    assert {one["words"]: one["mask"]["id"] for one in laid["regions"]} == {
        one["words"]: one["mask"]["id"] for one in found
    }
    again = list(answers(state, tab, {"number": 2, "document": laid}))[-1]["picture"]
    pixels = [Image.open(state.history.get(one["id"]).path).tobytes() for one in (made, again)]
    assert pixels[0] == pixels[1]


def test_places_of_loras_that_were_found_become_regions_with_these_loras(state: AppState) -> None:
    tab = person("a")
    sent = document(strips=STRIPS, steps=2, places="auto") | {"prompt": "a night sky, sepia heart"}
    made = list(answers(state, tab, {"number": 1, "document": sent}))[-1]["picture"]
    found = {one["words"]: one["mask"]["id"] for one in picture_places(state, tab, {"id": made["id"]})}
    assert set(found) == {"night sky", "sepia"}
    laid = places_document(state, tab, {"id": made["id"]})
    names = {strip["number"]: strip["name"] for strip in laid["strips"]}
    held = {one["words"]: ([names[number] for number in one["strips"]], one["mask"]["id"]) for one in laid["regions"]}
    assert held == {"night sky": (["night_sky"], found["night sky"]), "sepia": (["sepia"], found["sepia"])}
    again = list(answers(state, tab, {"number": 2, "document": laid}))[-1]["picture"]
    pixels = [Image.open(state.history.get(one["id"]).path).tobytes() for one in (made, again)]
    assert pixels[0] == pixels[1]
    edited = laid | {"regions": [one | {"mask": [0, 0, 0.5, 1]} for one in laid["regions"][:1]] + laid["regions"][1:]}
    asked = asked_request(state, tab, edited)
    (moved,) = (one for one in asked.regions if isinstance(one.mask, Rectangle))
    assert [use.name for use in moved.loras] == [laid["regions"][0]["words"].replace(" ", "_")]
    assert divided(asked.prompt).prompt.count("<lora:") == 1  # line_art acts everywhere still


def test_a_region_that_cannot_be_is_told_beside_it(state: AppState) -> None:
    wrong = document(
        {"mask": "auto"}, {"mask": [0.5, 0, 0.2, 1]}, {"prompt": "a (cat", "mask": [0, 0, 1, 1]}, {"mask": "background"}
    )
    told = document_facts(state, person("a"), {"document": wrong})["problems"]
    assert [(one["place"], one["number"]) for one in told if one["number"] != 3] == [("region", 1), ("region", 2)]
    with pytest.raises(RequestError, match="document cannot be read"):
        read_document(document({"mask": "/etc/passwd"}))


def test_a_desk_as_one_prompt_says_its_regions_and_its_whole_mix(state: AppState) -> None:
    tab = person("a")
    regions = (
        {"prompt": "red heart", "mask": [0.1, 0, 0.5, 1], "strips": [1], "feather": 0.25},
        {"prompt": "a cat", "mask": "background", "weight": 0.5, "strips": [2]},
    )
    sent = document(*regions, {"mask": {"id": drawn(state)}}, strips=STRIPS)
    text = document_prompt(state, tab, {"document": sent})
    own, other = (one.region for one in divided(text).regions)
    assert text.startswith("two emoji <lora:night_sky:1> <region:0.1,0,0.4,1,feather=0.25> red heart")
    assert (own.mask, own.prompt) == (Rectangle(left=0.1, top=0, right=0.5, bottom=1), "red heart <lora:line_art:0.8>")
    assert (type(other.mask), other.weight, other.prompt) == (RestOfPicture, 0.5, "a cat <lora:sepia:0.5>")
    written = document(strips=STRIPS[:1]) | {"prompt": "two <region:0,0,0.5,1> a cat"}
    assert document_prompt(state, tab, {"document": written}) == "<lora:line_art:0.8> two <region:0,0,0.5,1> a cat"
