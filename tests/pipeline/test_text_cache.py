"""The text cache: an answer is this text's under this mix, whatever was encoded and forgotten before."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
import torch

from lora_mixer import Mixer
from lora_mixer.blend import Stack, WeightedAdapter
from lora_mixer.mixes import Strength
from lora_mixer.pipeline import Condition, TextCache
from lora_mixer.pipeline.text_cache import KEPT_CONDITIONERS
from lora_mixer.prompt import parse, timeline
from lora_mixer.request import Settings

BRINGING = KEPT_CONDITIONERS + 6
"""LoRAs that each bring an embedding of the same word: more than conditioners are kept."""


def bringer(number: int) -> SimpleNamespace:
    vectors = torch.randn(1, 128, generator=torch.Generator().manual_seed(number))
    return SimpleNamespace(
        name=f"bringer{number}", digest=f"{number:064x}", layers={}, embeddings={"zorb": {"clip_l": vectors}}
    )


@pytest.fixture
def texts(mixer: Mixer) -> TextCache:
    return TextCache(mixer.model, mixer.loaded.merged, {})


def test_a_text_is_never_answered_with_that_of_another_lora(mixer: Mixer, texts: TextCache) -> None:
    settings: Settings = mixer.resolve("zorb").settings
    conditions = [
        Condition(
            pieces=timeline(parse("zorb"), 1)[0].parts[0].text,
            stack=Stack([WeightedAdapter(adapter=bringer(n), strength=Strength())]),
        )
        for n in range(BRINGING)
    ]
    right = [
        TextCache(mixer.model, mixer.loaded.merged, {}).encode(condition, settings).tokens for condition in conditions
    ]
    chance = random.Random(7)
    wrong = 0
    for _ in range(20 * BRINGING):
        number = chance.randrange(BRINGING)
        wrong += not torch.equal(texts.encode(conditions[number], settings).tokens, right[number])
    assert wrong == 0
