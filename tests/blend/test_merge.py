"""The merge engine: what goes on comes off, bit for bit, and a mix is a sum."""

from __future__ import annotations

import random
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lora_mixer.adapters import Weights, make_layer
from lora_mixer.blend import MergeEngine, Stack, WeightedAdapter
from lora_mixer.blend.linear_sum import join, merge
from lora_mixer.blend.stack import Term
from lora_mixer.errors import CancelledError
from lora_mixer.mixes import Strength
from lora_mixer.modules import DENOISER, ModuleName
from tests.support.specs import specs_of

NAMES = (ModuleName(DENOISER, "mid_block.a"), ModuleName(DENOISER, "mid_block.b"), ModuleName("te1", "text_model.c"))
SHAPES = {NAMES[0]: (6, 8), NAMES[1]: (4, 6, 3, 3), NAMES[2]: (8, 8)}
strengths = st.floats(-2, 2, width=16)


class TinyModel:
    """A linear, a convolution and a text layer, with what the engine asks of a model."""

    device = torch.device("cpu")

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        torch.manual_seed(0)
        self.modules = {
            NAMES[0]: nn.Linear(8, 6),
            NAMES[1]: nn.Conv2d(6, 4, 3),
            NAMES[2]: nn.Linear(8, 8, bias=False),
        }
        for module in self.modules.values():
            module.to(dtype).requires_grad_(False)

    @property
    def parts(self) -> dict[str, nn.Module]:
        return {DENOISER: nn.ModuleList(self.modules.values())}

    def module(self, name: ModuleName) -> nn.Module:
        return self.modules[name]

    def bits(self) -> list[torch.Tensor]:
        return [p.detach().clone() for module in self.modules.values() for p in module.parameters()]


def adapter(seed: int) -> SimpleNamespace:
    generator = torch.Generator().manual_seed(seed)
    layers = {}
    for name, shape in SHAPES.items():
        rank = 1 + seed % 3
        slots = {
            "up": torch.randn(shape[0], rank, *(1 for _ in shape[2:]), generator=generator),
            "down": torch.randn(rank, *shape[1:], generator=generator),
            "alpha": torch.tensor(float(1 + seed % 2)),
        }
        layers[name] = make_layer(slots, shape, (shape[0],))
    return SimpleNamespace(digest=f"{seed:064x}", name=f"adapter{seed}", layers=layers, modules=specs_of(layers))


def stack(*pairs: tuple[int, float]) -> Stack:
    return Stack(
        (WeightedAdapter(adapter=adapter(seed), strength=Strength(value)) for seed, value in pairs),
    )


def same(left: list[torch.Tensor], right: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


ALL = (DENOISER, "te1")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_zero_strength_changes_no_bit(dtype: torch.dtype) -> None:
    model = TinyModel(dtype)
    before = model.bits()
    with MergeEngine(model).applied([stack((1, 0.0), (2, 0.0))], parts=ALL):
        assert same(model.bits(), before)


@pytest.mark.parametrize("way_out", [None, ValueError, CancelledError, KeyboardInterrupt, GeneratorExit])
def test_the_model_is_bit_for_bit_itself_on_every_way_out(way_out: type[BaseException] | None) -> None:
    model = TinyModel(torch.bfloat16)
    before = model.bits()
    expected = pytest.raises(way_out) if way_out is not None else nullcontext()
    with expected, MergeEngine(model).applied([stack((1, 1.0), (2, -0.5))], parts=ALL):
        assert not same(model.bits(), before)
        if way_out is not None:
            raise way_out("out")
    assert same(model.bits(), before)


def test_a_failure_while_the_mix_goes_on_leaves_nothing_on() -> None:
    model = TinyModel()
    before = model.bits()
    broken = adapter(1)
    broken.layers[NAMES[2]] = SimpleNamespace(rounded_factors=lambda *_: (_ for _ in ()).throw(MemoryError()))
    mix = Stack([WeightedAdapter(adapter=broken, strength=Strength())])
    with pytest.raises(MemoryError), MergeEngine(model).applied([mix], parts=ALL):
        pass
    assert same(model.bits(), before)


@given(first=strengths, second=strengths, third=strengths)
def test_the_order_of_adapters_changes_no_bit(first: float, second: float, third: float) -> None:
    model = TinyModel()
    pairs = [(1, first), (2, second), (3, third)]
    with MergeEngine(model).applied([stack(*pairs)], parts=ALL):
        forward = model.bits()
    with MergeEngine(model).applied([stack(*reversed(pairs))], parts=ALL):
        assert same(model.bits(), forward)


@given(first=strengths, second=strengths)
def test_the_merged_weight_is_the_pristine_one_plus_the_sum_of_strength_times_delta(
    first: float, second: float
) -> None:
    model = TinyModel()
    before = {name: module.weight.detach().double() for name, module in model.modules.items()}
    mix = stack((1, first), (2, second))
    with MergeEngine(model).applied([mix], parts=ALL):
        for name, module in model.modules.items():
            wanted = before[name].clone()
            for placed in mix.placed:
                slots = placed.adapter.layers[name].slots
                up, down = slots["up"].double().flatten(1), slots["down"].double().flatten(1)
                scale = float(slots["alpha"]) / down.shape[0]
                wanted += placed.strength.denoiser * scale * (up @ down).reshape(wanted.shape)
            torch.testing.assert_close(module.weight.detach().double(), wanted, rtol=1e-5, atol=1e-5)


def test_one_adapter_named_twice_acts_with_the_sum_of_its_strengths() -> None:
    model = TinyModel()
    with MergeEngine(model).applied([stack((1, 0.75))], parts=ALL):
        once = model.bits()
    with MergeEngine(model).applied([stack((1, 0.5), (1, 0.25))], parts=ALL):
        assert same(model.bits(), once)


def test_only_the_parts_asked_for_are_touched() -> None:
    model = TinyModel()
    before = model.module(NAMES[2]).weight.detach().clone()
    with MergeEngine(model).applied([stack((1, 1.0))], parts=(DENOISER,)):
        assert torch.equal(model.module(NAMES[2]).weight, before)


def test_a_moved_slider_recomputes_only_the_modules_its_adapter_touches() -> None:
    model = TinyModel()
    engine = MergeEngine(model)
    small = adapter(2)
    small.layers = {NAMES[0]: small.layers[NAMES[0]]}

    def mix(value: float) -> Stack:
        return Stack(
            [
                WeightedAdapter(adapter=adapter(1), strength=Strength()),
                WeightedAdapter(adapter=small, strength=Strength(value)),
            ],
        )

    with engine.applied([mix(0.5)], parts=ALL):
        untouched = model.module(NAMES[1]).weight.data_ptr()
        moved = model.module(NAMES[0]).weight.detach().clone()
    with engine.applied([mix(0.6)], parts=ALL):
        assert model.module(NAMES[1]).weight.data_ptr() == untouched
        assert not torch.equal(model.module(NAMES[0]).weight, moved)


@pytest.mark.parametrize("cache_mb", [0, 1024])
def test_a_thousand_mixes_errors_and_cancels_leave_the_pristine_weights_as_they_were(cache_mb: int) -> None:
    model = TinyModel(torch.bfloat16)
    before = model.bits()
    engine, dice = MergeEngine(model, cache_mb=cache_mb), random.Random(7)
    shelf = [adapter(seed) for seed in range(5)]
    for _ in range(1000):
        mix = Stack(
            [
                WeightedAdapter(adapter=dice.choice(shelf), strength=Strength(dice.uniform(-2, 2)))
                for _ in range(dice.randrange(4))
            ],
        )
        outcome = dice.choice([None, ValueError, CancelledError])
        try:
            with engine.applied([mix], parts=ALL):
                if outcome is not None:
                    raise outcome("out")
        except (ValueError, CancelledError):
            pass
    assert same(model.bits(), before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_weights_written_over_those_of_an_earlier_mix_are_the_weights_of_a_fresh_merge(dtype: torch.dtype) -> None:
    model = TinyModel(dtype)
    engine = MergeEngine(model, cache_mb=0)
    for value in (0.5, -1.0, 2.0, 0.5):
        with MergeEngine(model).applied([stack((1, value), (2, 1.0))], parts=ALL):
            fresh = model.bits()
        with engine.applied([stack((1, value), (2, 1.0))], parts=ALL):
            assert same(model.bits(), fresh)


@pytest.mark.parametrize(("cache_mb", "merges"), [(1024, 2), (0, 6)])
def test_mixes_that_take_turns_are_merged_once_within_the_budget_and_each_time_beyond_it(
    cache_mb: int, merges: int
) -> None:
    engine, made = MergeEngine(TinyModel(), cache_mb=cache_mb), []
    make = engine._make
    engine._make = lambda name, *rest: (made.append(name), make(name, *rest))[1]
    for _ in range(3):
        for mix in (stack((1, 1.0)), stack((1, 1.0), (2, -0.5))):
            with engine.applied([mix], parts=ALL):
                pass
    assert made.count(NAMES[0]) == merges
    assert engine.kept.earlier <= cache_mb * 2**20


def test_a_bfloat16_merge_is_as_exact_as_rounding_the_exact_result() -> None:
    torch.manual_seed(1)
    base = Weights(torch.randn(320, 640).mul(0.04).bfloat16(), None)
    terms = []
    for digest in "abc":
        slots = {"up": torch.randn(320, 32) * 0.02, "down": torch.randn(32, 640) * 0.05, "alpha": torch.tensor(16.0)}
        layer = make_layer({name: tensor.half() for name, tensor in slots.items()}, (320, 640), None)
        terms.append(Term(digest, 0.8, layer))
    exact = base.weight.double()
    for term in terms:
        factors = term.layer.factors(torch.float64)
        exact = exact + term.strength * factors.up @ factors.down
    ours = (merge(base, terms, joined=join(base, terms)).weight.double() - exact).norm()
    rounded = (exact.bfloat16().double() - exact).norm()
    assert ours <= 1.05 * rounded


def test_merged_weights_lie_in_memory_as_the_pristine_ones() -> None:
    model = TinyModel(torch.bfloat16)
    conv = model.modules[NAMES[1]].to(memory_format=torch.channels_last)
    pristine = conv.weight.stride()
    with MergeEngine(model).applied([stack((1, 1.0))], parts=ALL):
        assert conv.weight.stride() == pristine
