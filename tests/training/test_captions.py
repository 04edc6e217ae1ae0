"""Captions say what the picture shows, and nothing about colours it doesn't have."""

from __future__ import annotations

import random

from training.captions import BAD, Look, all_strings, caption, plain
from training.subjects import Emoji

APPLE = Emoji(
    hexcode="1F34E", label="red apple", tags=("apple", "fruit", "red"), group="food-drink", subgroup="food-fruit"
)
RNG = random.Random(0)


def captions(look: Look) -> list[str]:
    return [caption(APPLE, look, RNG, empty=0) for _ in range(300)]


def test_a_recoloured_subject_is_always_called_by_its_new_colour_and_never_by_its_old() -> None:
    for words in captions(Look(colour="blue")):
        assert "blue" in words
        assert "red" not in plain(words).split()


def test_a_coloured_background_is_nearly_always_named() -> None:
    named = sum("green" in words for words in captions(Look(background="green")))
    assert named > 250


def test_a_degraded_picture_always_says_so() -> None:
    assert all(any(word in words for word in BAD) for words in captions(Look(degraded=True)))


def test_the_empty_share_is_kept() -> None:
    empty = sum(caption(APPLE, Look(), RNG, empty=0.1) == "" for _ in range(2000))
    assert 120 < empty < 290


def test_every_word_of_a_caption_is_in_the_vocabulary_strings() -> None:
    known = {word for text in all_strings([APPLE]) for word in plain(text).split()}
    for look in (Look(colour="pink", background="black"), Look(own_colour="red", degraded=True)):
        for words in captions(look):
            assert set(plain(words).split()) <= known
