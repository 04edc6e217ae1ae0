"""Pictures of other programs are read complete, and nothing is said of them that is not true."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_mixer.images import PictureInfo
from lora_mixer.images.budget import Budget
from lora_mixer.images.containers import texts_of
from lora_mixer.images.read import info_of
from tests.support.other_pictures import Sample, commented, png, samples, unicode_comment


def read(data: bytes) -> PictureInfo:
    budget = Budget()
    return info_of(texts_of(data, Path("picture"), budget), budget)


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.name)
def test_a_picture_is_read_complete(sample: Sample):
    info = read(sample.data)
    assert info.source == sample.source, info.notes
    request = info.request
    assert request is not None
    assert {name: getattr(request, name) for name in sample.truth} == dict(sample.truth), info.notes
    assert tuple((u.name, u.strength.of("denoiser"), u.strength.of("te1")) for u in request.loras) == sample.loras
    said = " ".join(info.notes)
    assert all(word in said for word in sample.noted), said


@pytest.mark.parametrize(
    "text", ["Screenshot", "Created with GIMP", "a: b, c: d, e: f", '{"a": 1}', "{", "[]", "x\ny, z"]
)
def test_a_comment_that_is_no_infotext_is_not_taken_for_one(text):
    assert read(png({"parameters": text})).source == "none"
    assert read(commented(unicode_comment(text))).source == "none"
