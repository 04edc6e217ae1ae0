"""Sizes and overlaps of adapters on a model."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lora_mixer.adapters import make_layer
from lora_mixer.blend import Overlap, measure
from lora_mixer.blend.overlap import TOO_STRONG
from lora_mixer.families import SD1
from lora_mixer.modules import DENOISER, ModuleName
from tests.support.specs import specs_of

MID, UP = ModuleName(DENOISER, "mid_block.resnets.0.conv1"), ModuleName(DENOISER, "up_blocks.0.resnets.0.conv1")
TEXT = ModuleName("te1", "text_model.encoder.layers.0.mlp.fc1")
SHAPES = {UP: (6, 8), MID: (4, 6, 3, 3), TEXT: (8, 8)}


class TinyModel:
    """Three modules in three places; only what is measured."""

    family = SD1

    def __init__(self) -> None:
        torch.manual_seed(0)
        self._modules = {UP: nn.Linear(8, 6), MID: nn.Conv2d(6, 4, 3), TEXT: nn.Linear(8, 8)}
        for module in self._modules.values():
            module.requires_grad_(False)
        self.index = SimpleNamespace(modules=specs_of(self._modules), parts=lambda: (DENOISER, "te1"))

    def module(self, name: ModuleName) -> nn.Module:
        return self._modules[name]


def adapter(seed: int, *names: ModuleName, scale: float = 1.0) -> SimpleNamespace:
    rng = torch.Generator().manual_seed(seed)
    layers = {}
    for name in names or SHAPES:
        shape = SHAPES[name]
        slots = {
            "up": scale * torch.randn(shape[0], 2, *(1 for _ in shape[2:]), generator=rng),
            "down": torch.randn(2, *shape[1:], generator=rng),
        }
        layers[name] = make_layer(slots, shape, shape[:1])
    return SimpleNamespace(name=f"a{seed}", layers=layers)


def dense(one: SimpleNamespace, name: ModuleName) -> torch.Tensor:
    factors = one.layers[name].factors()
    return factors.up @ factors.down.flatten(1)


@given(strengths=st.tuples(*[st.floats(-2, 2, width=16)] * 3))
def test_the_size_of_a_mix_is_that_of_the_summed_changes(strengths: tuple[float, ...]) -> None:
    model, adapters = TinyModel(), [adapter(1), adapter(2), adapter(3)]
    overlap = measure(model, adapters)
    moved = sum(
        float(sum(s * dense(a, name) for s, a in zip(strengths, adapters, strict=True)).square().sum())
        for name in SHAPES
    )
    base = sum(float(model.module(name).weight.square().sum()) for name in SHAPES)
    assert overlap.together(strengths) == pytest.approx(math.sqrt(moved / base), rel=1e-4, abs=1e-6)


def test_blocks_stand_in_order_and_are_measured_apart() -> None:
    overlap = measure(TinyModel(), [adapter(1, MID, TEXT), adapter(2, MID, UP)])
    assert overlap.blocks == ("te1", "MID", "OUT00")
    assert overlap.size(1, "te1") == 0
    assert overlap.size(0, "te1") > 0
    assert overlap.cosine(0, 1, "te1") == 0
    assert overlap.cosine(0, 1, "MID") != 0
    alone = measure(TinyModel(), [adapter(1, MID, TEXT)])
    assert alone.blocks == ("te1", "MID")
    assert alone.size(0) == pytest.approx(overlap.size(0)), "what stands beside it changes nothing"


def test_an_adapter_is_wholly_alike_to_itself_and_opposed_to_its_negative() -> None:
    overlap = measure(TinyModel(), [adapter(1), adapter(1, scale=0.5), adapter(1, scale=-1)])
    assert overlap.cosine(0, 1) == pytest.approx(1)
    assert overlap.cosine(0, 2) == pytest.approx(-1)
    assert overlap.load((1, 1, 0)) == pytest.approx(2)
    assert overlap.together((1, 0, 1)) == pytest.approx(0, abs=1e-4)
    said = " ".join(overlap.warnings((1, 1, 0)))
    assert "do much the same" in said
    assert "work against each other" in said
    assert "strength 2.00" in said


def unrelated(count: int) -> Overlap:
    gram = tuple(tuple(float(i == j) for j in range(count)) for i in range(count))
    return Overlap(names=tuple(f"n{i}" for i in range(count)), grams={"MID": gram}, weights={"MID": 4.0})


def test_strengths_that_are_too_much_are_said_with_what_would_do() -> None:
    assert not unrelated(3).warnings((1, 1, 1))
    (said,) = unrelated(4).warnings((1, 1, 1, 1))
    assert "strength 2.00" in said
    assert said.endswith("multiply its strengths by 0.9")
    assert unrelated(4).load((0.9,) * 4) == pytest.approx(TOO_STRONG)


def test_an_adapter_that_changes_nothing_is_said_loudly() -> None:
    overlap = measure(TinyModel(), [adapter(1), adapter(2, scale=0.0)])
    assert overlap.warnings((1, 1)) == ("a2 changes no weight of this model: its slider will do nothing",)
    assert overlap.to_json([1.0, 1.0])["cosine"][0][1] == 0


def test_measuring_leaves_the_model_as_it_was(mixer) -> None:
    before = mixer.model.checksum()
    overlap = mixer.overlap(["line_art", "night_sky", "line_art"])
    assert overlap.names == ("line_art", "night_sky")
    assert overlap.size(0) > 0
    assert mixer.model.checksum() == before
