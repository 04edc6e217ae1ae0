"""Weights by kind of layer, from a strength to what the modules give, by both engines."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lora_mixer import ElementWeight, LoraUse, Mixer, RenderRequest, Strength
from lora_mixer.adapters import make_layer
from lora_mixer.blend import MergeEngine, SideEngine, Stack, WeightedAdapter
from lora_mixer.errors import RequestError
from lora_mixer.images import infotext
from lora_mixer.ledger.digest import request_digest
from lora_mixer.modules import DENOISER, ModuleName
from tests.support.specs import specs_of

BLOCK = "mid_block.attentions.0.transformer_blocks.0"
NAMES = (
    ModuleName(DENOISER, f"{BLOCK}.attn1.to_q"),
    ModuleName(DENOISER, f"{BLOCK}.ff.net.2"),
    ModuleName(DENOISER, "down_blocks.0.attentions.0.proj_in"),
)
ATTN = ElementWeight(blocks=("MID",), layers=("attn",), weight=0.25)


class TinyModel:
    """Two layers of one block and one of another."""

    dtype, device = torch.float64, torch.device("cpu")

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.modules = {name: nn.Linear(8, 6).double().requires_grad_(False) for name in NAMES}
        self.parts = {DENOISER: nn.ModuleList(self.modules.values())}

    def module(self, name: ModuleName) -> nn.Module:
        return self.modules[name]

    def answers(self) -> list[torch.Tensor]:
        given = torch.linspace(-1, 1, 16, dtype=self.dtype).reshape(2, 8)
        return [module(given) for module in self.modules.values()]


def mix(*strengths: Strength) -> Stack:
    def layers(seed: int) -> dict[ModuleName, Any]:
        torch.manual_seed(seed)
        return {name: make_layer({"up": torch.randn(6, 2), "down": torch.randn(2, 8)}, (6, 8), (6,)) for name in NAMES}

    placed = (
        WeightedAdapter(
            adapter=SimpleNamespace(digest=f"{at:064x}", name=str(at), layers=layers(at), modules=specs_of(NAMES)),
            strength=strength,
        )  # type: ignore[arg-type]
        for at, strength in enumerate(strengths)
    )
    return Stack(placed)


def under(kind: type, *strengths: Strength, model: TinyModel | None = None) -> list[torch.Tensor]:
    model = model or TinyModel()
    with kind(model).applied([mix(*strengths)] * 2, parts=(DENOISER,)):
        return model.answers()


@pytest.mark.parametrize("kind", [MergeEngine, SideEngine])
def test_an_element_of_weight_1_changes_no_bit(kind: type) -> None:
    one = Strength(0.7, elements=(ElementWeight(layers=("attn",), weight=1.0),))
    assert all(map(torch.equal, under(kind, one), under(kind, Strength(0.7))))


@pytest.mark.parametrize("kind", [MergeEngine, SideEngine])
def test_an_element_stands_in_the_place_of_its_blocks_weight_and_the_last_one_counts(kind: type) -> None:
    blocks = {"MID": 0.0, "IN01": 0.5}
    plain, quarter, half = TinyModel().answers(), under(kind, Strength(0.25)), under(kind, Strength(0.5))
    given = under(kind, Strength(blocks=blocks, elements=(ElementWeight(layers=("attn",), weight=3.0), ATTN)))
    for answer, expected in zip(given, (quarter[0], plain[1], half[2]), strict=True):
        torch.testing.assert_close(answer, expected)
    assert not torch.equal(quarter[0], plain[0])


def test_both_engines_agree_on_a_mix_and_a_moved_weight() -> None:
    model = TinyModel()
    side = SideEngine(model)  # type: ignore[arg-type]
    other = Strength(-0.5, elements=(ElementWeight(layers=("proj",), others=True, weight=0.0),))
    for weight in (0.25, 0.75, 0.0):
        moved = Strength(elements=(ElementWeight(blocks=("MID",), layers=("attn",), weight=weight),))
        with side.applied([mix(moved, other)] * 2, parts=(DENOISER,)):
            beside = model.answers()
        for one, two in zip(beside, under(MergeEngine, moved, other), strict=True):
            torch.testing.assert_close(one, two)
    plain = TinyModel().answers()
    assert all(map(torch.equal, model.answers(), plain))


def test_a_picture_with_elements_is_rendered_written_down_and_rendered_again(mixer: Mixer) -> None:
    def pixels(prompt: str) -> Any:
        return np.asarray(mixer.render(prompt, seed=7, steps=2).image)

    tagged = mixer.render("cat <lora:night_sky:1:lbwe=/NOT attn/0>", seed=7, steps=2)
    use = LoraUse("night_sky", Strength(elements=(ElementWeight(layers=("attn",), others=True, weight=0.0),)))
    asked = mixer.render("cat", seed=7, steps=2, loras=[use])
    assert np.array_equal(np.asarray(tagged.image), np.asarray(asked.image))
    assert not np.array_equal(np.asarray(asked.image), pixels("cat <lora:night_sky:1>"))
    assert type(asked.record).from_json(asked.record.to_json()) == asked.record
    text = infotext(asked.record)
    assert "lbwe=/NOT attn/0" in text
    assert np.array_equal(pixels(text.split("\n")[0]), np.asarray(asked.image))


def test_an_element_that_means_no_layer_is_said_and_a_wrong_block_refused(mixer: Mixer) -> None:
    picture = mixer.render("cat <lora:night_sky:1:lbwe=IN05/nonsense/0>", seed=7, steps=1)
    assert any("IN05/nonsense/0" in note for note in picture.record.notes)
    wrong = LoraUse("night_sky", Strength(elements=(ElementWeight(blocks=("IN99",), weight=0.0),)))
    with pytest.raises(RequestError, match="IN99"):
        mixer.render("cat", seed=7, steps=1, loras=[wrong])


def test_a_mix_without_elements_keeps_the_digest_it_had_before_there_were_any() -> None:
    use = LoraUse("a", Strength(0.5, blocks={"MID": 0.5}))
    asked = RenderRequest(prompt="cat", loras=[use])
    assert request_digest(asked) == "81cd10e73704c350de6308d884e8df58f5793dfed52bcd481712f78310795c59"
    weighed = replace(asked, loras=[replace(use, strength=replace(use.strength, elements=(ATTN,)))])
    assert request_digest(weighed) != request_digest(asked)
