"""The endpoint `/render` takes every setting that can be sent, as the table of settings has them."""

from __future__ import annotations

from lora_mixer_app.web import api


def test_every_setting_can_be_sent_and_those_of_0_1_stand_first() -> None:
    names = [row.http_name for row in api.offered()]
    assert {"cfg_rescale", "hires", "styles", "method", "rng"} < set(names)
    first = [
        "negative",
        "loras",
        "seed",
        "steps",
        "cfg",
        "sampler",
        "schedule",
        "width",
        "height",
        "clip_skip",
        "model",
    ]
    assert names[:11] == first  # callers of 0.1 may send them by their places
