"""The article's recipe, a law each: W is frozen, the start is exactly the model, only factors have gradients."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lora_mixer.adapters import KINDS, Weights, make_layer
from lora_mixer.adapters.starting import start
from lora_mixer.errors import RequestError
from lora_mixer.forms import TRAINED
from lora_mixer.keys.suffixes import SLOT_OF, SUFFIX_OF
from lora_mixer.trainer import Wrapped, wrap

TRAINABLE = [*TRAINED, "dora"]


class Net(nn.Module):
    """A linear layer, convolutions with stride and circular padding, and what no adapter goes onto."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.round = nn.Conv2d(8, 8, 3, padding=1, padding_mode="circular", bias=False)
        self.norm = nn.GroupNorm(2, 8)
        self.grouped = nn.Conv2d(8, 8, 1, groups=4)
        self.out = nn.Linear(8, 6)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.out(self.grouped(self.norm(self.round(self.conv(x)))).mean((2, 3)))
        return found


def net_of(seed: int = 0) -> Net:
    torch.manual_seed(seed)
    return Net()


def wrapped(net: nn.Module, kind: str, rank: int = 2, seed: int = 0) -> Wrapped:
    return wrap(
        net,
        rank=rank,
        kind="lora" if kind == "dora" else kind,
        dora=kind == "dora",
        generator=torch.Generator().manual_seed(seed),
    )


X = torch.randn(4, 3, 9, 9, generator=torch.Generator().manual_seed(5))


def shaken(adapters: Wrapped) -> None:
    with torch.no_grad():
        for i, parameter in enumerate(adapters.parameters()):
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(i)) * 0.1)


def test_the_trained_kinds_are_those_with_an_init_and_every_slot_has_its_one_key() -> None:
    assert tuple(kind.name for kind in KINDS if kind.init is not None) == TRAINED
    slots = {slot for kind in TRAINED for slot in start(kind, (64, 32, 3, 3), 2)} | {"dora_scale"}
    assert {SLOT_OF[SUFFIX_OF[slot]] for slot in slots} == slots


@pytest.mark.parametrize("kind", TRAINABLE)
def test_the_start_is_exactly_the_model(kind: str) -> None:
    net = net_of()
    before = net(X)
    adapters = wrapped(net, kind)
    assert adapters.names == ("conv", "round", "out")
    with adapters.on():
        torch.testing.assert_close(net(X), before, rtol=0, atol=0 if kind != "dora" else 1e-6)
    assert torch.equal(net(X), before)


@pytest.mark.parametrize("kind", TRAINABLE)
def test_w_is_frozen_and_only_factors_have_gradients(kind: str) -> None:
    net = net_of()
    weights = {name: value.clone() for name, value in net.state_dict().items()}
    adapters = wrapped(net, kind)
    optimizer = torch.optim.AdamW(adapters.parameters(), lr=0.1)
    for _ in range(3):
        with adapters.on():
            net(X).square().mean().backward()
        assert all(parameter.grad is None for parameter in net.parameters())
        assert all(parameter.grad is not None for parameter in adapters.parameters())
        optimizer.step()
    assert all(torch.equal(value, weights[name]) for name, value in net.state_dict().items())
    assert {slot for group in adapters.slots().values() for slot in group} - {"alpha"} == {
        name.split("_", 1)[1] for name, _ in adapters.trained.items()
    }


@pytest.mark.parametrize("kind", TRAINABLE)
def test_what_is_trained_is_what_the_mixer_applies(kind: str) -> None:
    net = net_of()
    adapters = wrapped(net, kind)
    shaken(adapters)
    with adapters.on(0.7):
        trained = net(X)
    for name, slots in adapters.slots().items():
        layer: nn.Linear | nn.Conv2d = net.get_submodule(name)  # type: ignore[assignment]
        made = make_layer(slots, tuple(layer.weight.shape), None if layer.bias is None else tuple(layer.bias.shape))
        change = made.delta(Weights(weight=layer.weight.detach(), bias=None)).weight
        assert change is not None
        layer.weight = nn.Parameter(layer.weight + 0.7 * change)
    torch.testing.assert_close(net(X), trained, rtol=1e-4, atol=1e-5)


@given(
    kind=st.sampled_from(TRAINED),
    shape=st.one_of(
        st.tuples(st.integers(1, 24), st.integers(1, 24)),
        st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 3), st.integers(1, 3)),
    ),
    rank=st.integers(1, 40),
    factor=st.integers(1, 16),
)
@settings(max_examples=60, deadline=None)
def test_fresh_slots_fit_every_shape_and_change_nothing(
    kind: str, shape: tuple[int, ...], rank: int, factor: int
) -> None:
    layer = make_layer(start(kind, shape, rank, factor=factor), shape, None)
    assert layer.kind.name == kind
    change = layer.delta(Weights(weight=torch.randn(shape), bias=None)).weight
    assert change is not None
    assert not change.any()


def test_nothing_is_left_on_the_model_after_an_error() -> None:
    net = net_of()
    before = net(X)
    adapters = wrapped(net, "lora")
    shaken(adapters)
    with pytest.raises(ZeroDivisionError), adapters.on():
        raise ZeroDivisionError
    assert torch.equal(net(X), before)
    with adapters.on(0):
        assert torch.equal(net(X), before)


def test_slots_go_back_in_as_they_came_out() -> None:
    adapters, others = wrapped(net_of(), "loha"), wrapped(net_of(), "loha", seed=1)
    shaken(adapters)
    others.load(adapters.slots())
    assert all(torch.equal(a, b) for a, b in zip(adapters.parameters(), others.parameters(), strict=True))
    with pytest.raises(RequestError, match="another shape"):
        wrapped(net_of(), "loha", rank=1).load(adapters.slots())


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        ("conv|out", ("conv", "out")),
        (["out"], ("out",)),
        (lambda _name, layer: isinstance(layer, nn.Linear), ("out",)),
        (None, ("conv", "round", "out")),
    ],
)
def test_targets_say_which_layers(targets: object, names: tuple[str, ...]) -> None:
    assert wrap(net_of(), targets=targets).names == names  # type: ignore[arg-type]


def test_a_rank_can_be_each_layers_own() -> None:
    adapters = wrap(net_of(), rank=lambda name, _: {"conv": 3, "out": 1}.get(name, 0))
    assert {name: slots["down"].shape[0] for name, slots in adapters.slots().items()} == {"conv": 3, "out": 1}


@pytest.mark.parametrize(
    ("options", "said"), [({"targets": "nope"}, "no layer"), ({"rank": 0}, "rank 0"), ({"kind": "oft"}, "oft")]
)
def test_what_cannot_be_trained_is_said(options: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        wrap(net_of(), **options)  # type: ignore[arg-type]
