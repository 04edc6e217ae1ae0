"""Ctrl+C wherever it strikes: a mix is on for its `with` block, and after it the next one finds pristine weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lora_mixer.adapters import make_layer
from lora_mixer.blend import MergeEngine, SideEngine, Stack, WeightedAdapter
from lora_mixer.blend import merge as merge_file
from lora_mixer.conditioning.conditioner import _placed
from lora_mixer.mixes import Strength
from lora_mixer.modules import DENOISER, ModuleName
from tests.support.hooks import forward_hooks
from tests.support.interruptions import interrupted
from tests.support.specs import specs_of

NAMES = (ModuleName(DENOISER, "mid_block.a"), ModuleName(DENOISER, "down_blocks.0.b"))
FILES = ("blend/merge.py", "blend/side.py", "blend/layer_ops.py", "conditioning/conditioner.py")
MOST = 4000
"""More instructions than any of these runs has in the files above."""


class TwoLayers:
    """A model of two modules in two blocks."""

    dtype, device = torch.float32, torch.device("cpu")

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.layers = {name: nn.Linear(8, 8).requires_grad_(requires_grad=False) for name in NAMES}

    @property
    def parts(self) -> dict[str, nn.Module]:
        return {DENOISER: nn.ModuleList(self.layers.values())}

    def module(self, name: ModuleName) -> nn.Module:
        return self.layers[name]

    def answers(self) -> list[Tensor]:
        with torch.no_grad():
            return [layer(torch.ones(2, 8)) for layer in self.layers.values()]


def mix(seed: int) -> Stack:
    generator = torch.Generator().manual_seed(seed)
    layers = {
        name: make_layer(
            {"up": torch.randn(8, 2, generator=generator), "down": torch.randn(2, 8, generator=generator)}, (8, 8), (8,)
        )
        for name in NAMES
    }
    adapter: Any = type("Adapter", (), {"digest": f"{seed:064x}", "layers": layers, "modules": specs_of(layers)})
    return Stack([WeightedAdapter(adapter=adapter, strength=Strength())])


def same(left: list[Tensor], right: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("kind", [MergeEngine, SideEngine])
def test_an_interruption_anywhere_leaves_nothing_on_and_the_next_mix_whole(kind: Any) -> None:
    model = TwoLayers()
    plain, first, second = model.answers(), mix(1), mix(2)
    with kind(model).applied([second] * 2, parts=(DENOISER,)):
        wanted = model.answers()
    for layer in model.layers.values():
        forward_hooks(layer).clear()
    for at in range(0, MOST, 3):
        engine = kind(model)

        def use(engine: Any = engine) -> None:
            for one in (first, second):
                with engine.applied([one] * 2, parts=(DENOISER,)):
                    model.answers()

        struck = interrupted(use, at, FILES)
        engine.rest()
        assert same(model.answers(), plain), at
        with engine.applied([second] * 2, parts=(DENOISER,)):
            assert same(model.answers(), wanted), at
        for layer in model.layers.values():
            forward_hooks(layer).clear()
        if not struck:
            return
    pytest.fail("the run has more instructions than were tried")


def test_an_interruption_while_weights_are_put_back_waits_until_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    model = TwoLayers()
    plain, engine = model.answers(), MergeEngine(model)
    put, calls = merge_file.install, []

    def install(module: nn.Module, weights: Any) -> None:
        calls.append(module)
        if len(calls) == len(NAMES) + 1:  # the first that is put back
            raise KeyboardInterrupt
        put(module, weights)

    monkeypatch.setattr(merge_file, "install", install)
    with pytest.raises(KeyboardInterrupt), engine.applied([mix(1)], parts=(DENOISER,)):
        pass
    assert same(model.answers(), plain)


def test_an_interruption_leaves_no_embedding_on_later_texts() -> None:
    embedding = nn.Embedding(4, 8).requires_grad_(requires_grad=False)
    ids = torch.tensor([[0, 1, 2]])
    plain = embedding(ids)
    vectors: Any = type("Vectors", (), {"vectors": {"te1": torch.ones(1, 8)}})
    placement: Any = type("Placement", (), {"embedding": vectors, "offset": 0})
    chunk: Any = type("Chunk", (), {"placements": (placement,)})
    empty: Any = type("Chunk", (), {"placements": ()})

    def use() -> None:
        with _placed(embedding, "te1", [chunk]):
            assert not torch.equal(embedding(ids), plain)

    for at in range(MOST):
        struck = interrupted(use, at, FILES)
        with _placed(embedding, "te1", [empty]):
            assert torch.equal(embedding(ids), plain), at
        forward_hooks(embedding).clear()
        if not struck:
            return
    pytest.fail("the run has more instructions than were tried")
