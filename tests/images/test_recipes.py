"""Records of the first recipe, whose names of schedules meant others than today's: read rightly, drawn again."""

from __future__ import annotations

import json

import pytest

from lora_mixer import RenderRequest
from lora_mixer.images import RECIPE, RenderRecord, infotext
from lora_mixer.mixer import differences


def old(record: RenderRecord, *, automatic: bool, **changes: object) -> RenderRecord:
    """A record as it was written before there were recipes."""
    content = json.loads(record.to_json())
    del content["recipe"]
    content["schedule"] = "SGM Uniform"
    content["settings"] |= {"schedule": "Automatic" if automatic else "SGM Uniform"} | changes
    return RenderRecord.from_json(json.dumps(content))


@pytest.fixture(scope="module")
def picture(mixer):
    return mixer.render("red heart", seed=3, steps=2, width=64, height=64)


@pytest.mark.parametrize("automatic", [True, False])
def test_a_picture_of_the_first_recipe_is_drawn_again(mixer, picture, automatic):
    """On the embedded model `SGM Uniform`, and `Automatic` before it, was diffusers' trailing spacing."""
    record = old(picture.record, automatic=automatic)
    assert (record.settings.schedule, record.schedule, record.recipe) == ("Trailing", "Trailing", 1)
    (again,) = mixer.render_many([record.settings.request()])
    assert again.image.tobytes() == picture.image.tobytes()
    assert differences(mixer, record) == ()
    assert RenderRecord.from_json(record.to_json()) == record


@pytest.mark.parametrize(
    ("schedule", "now"),
    [
        ("Karras", "diffusers Karras"),
        ("Simple", "Trailing"),
        ("normal", "diffusers Uniform"),
        ("DDIM", "diffusers DDIM"),
    ],
)
def test_every_old_name_has_one_of_today(picture, schedule, now):
    record = old(picture.record, automatic=False, schedule=schedule)
    assert record.settings.schedule == now
    shown = {"Trailing": "Simple"}.get(now, now.removeprefix("diffusers "))
    assert f"Schedule type: {shown}" in infotext(
        RenderRecord.from_json(json.dumps(json.loads(record.to_json()) | {"schedule": None}))
    )


def test_a_sampler_whose_rule_was_wrong_says_so(mixer, picture):
    record = old(picture.record, automatic=True, sampler="DPM++ 3M SDE")
    assert any("DPM++ 3M SDE was drawn by a rule" in sentence for sentence in differences(mixer, record))


def test_a_record_of_today_is_read_as_it_is(picture):
    assert picture.record.recipe == RECIPE
    again = RenderRecord.from_json(picture.record.to_json())
    assert (again.settings.schedule, again.schedule) == ("Automatic", "Trailing")


def test_pictures_that_choose_their_own_steps_are_drawn_alone(mixer):
    wish = {"sampler": "DPM adaptive", "width": 64, "height": 64, "steps": 3}
    requests = [RenderRequest(prompt, seed=1, **wish) for prompt in ("red heart", "star")]
    together = list(mixer.render_many(requests, batch=4))
    assert [picture.record.batch_size for picture in together] == [1, 1]
