"""Groups that are broken, or built to make a reader multiply itself to death."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from lora_mixer.adapters import make_layer
from lora_mixer.errors import BrokenAdapterError
from tests.support.kind_examples import CONV_3, EXAMPLES, LINEAR, Example, generator, lora, with_sparse

Slots = dict[str, Tensor]


class Largest(TorchDispatchMode):
    """Remembers the largest tensor any operation made."""

    def __init__(self) -> None:
        super().__init__()
        self.numel = 0

    def __torch_dispatch__(self, function, _types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else [made]:
            if isinstance(tensor, Tensor):
                self.numel = max(self.numel, tensor.numel())
        return made


def huge(*shape: int) -> Tensor:
    """A tensor that says it is large and occupies one number."""
    return torch.ones(()).expand(*shape)


BOMBS: dict[str, Slots] = {
    "LoKr of two 4096x4096": {"k1": huge(4096, 4096), "k2": huge(4096, 4096)},
    "LoKr of factored halves": {
        "k1_a": huge(10**6, 1),
        "k1_b": huge(1, 10**6),
        "k2_a": huge(10**6, 1),
        "k2_b": huge(1, 10**6),
    },
    "LoRA of 1e6 x 1 and 1 x 1e6": {"up": huge(10**6, 1), "down": huge(1, 10**6)},
    "LoRA with a huge core": {"up": huge(24, 1000), "mid": huge(1000, 1000, 99, 99), "down": huge(1000, 16, 1, 1)},
    "LoHa of 1e6 x 1 and 1 x 1e6": {
        f"w{n}_{x}": huge(*s) for n in "12" for x, s in zip("ab", ((10**6, 1), (1, 10**6)), strict=True)
    },
    "rank 4096 on a narrow layer": {"up": huge(24, 4096), "down": huge(4096, 16)},
    "OFT of one block of 1e6": {"oft_blocks": huge(1, 10**6, 10**6)},
    "BOFT of 1e6 stages": {"oft_blocks": huge(10**6, 4, 6, 6)},
    "GLoRA of 1e6": {"a1": huge(10**6, 1), "a2": huge(1, 10**6), "b1": huge(10**6, 1), "b2": huge(1, 10**6)},
    "IA3 of 1e9": {"ia3": huge(10**9), "on_input": torch.tensor(0)},
    "difference of 1e6 x 1e6": {"diff": huge(10**6, 10**6)},
    "sparse addend of 30000 x 30000": {
        **lora(LINEAR, generator(0)),
        "bias_indices": torch.zeros(2, 1, dtype=torch.int16),
        "bias_values": torch.ones(1),
        "bias_size": torch.tensor([30000, 30000], dtype=torch.int16),
    },
    "alpha of 1e38": {**lora(LINEAR, generator(0)), "alpha": torch.tensor(1e38)},
    "alpha of 2^62": {**lora(LINEAR, generator(0)), "alpha": torch.tensor(2**62)},
    "alpha of -2^62": {**lora(LINEAR, generator(0)), "alpha": torch.tensor(-(2**62))},
    "values of 1e30": {**lora(LINEAR, generator(0)), "up": torch.full_like(lora(LINEAR, generator(0))["up"], 1e30)},
    "alpha of -1e38": {**lora(LINEAR, generator(0)), "alpha": torch.tensor(-1e38)},
    "values of -1e30": {**lora(LINEAR, generator(0)), "up": torch.full_like(lora(LINEAR, generator(0))["up"], -1e30)},
    "alpha of three numbers": {**lora(LINEAR, generator(0)), "alpha": torch.ones(3)},
}


@pytest.mark.parametrize("shape", [LINEAR, CONV_3], ids=["linear", "conv"])
@pytest.mark.parametrize("slots", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_refused_before_anything_is_made_of_it(slots: Slots, shape: tuple[int, ...]) -> None:
    with Largest() as largest, pytest.raises(BrokenAdapterError):
        make_layer(slots, shape, None)
    assert largest.numel <= 16


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_one_value_that_is_not_finite_anywhere_refuses_the_group(example: Example, bad: float) -> None:
    shape = example.shapes[0]
    slots = example.build(shape, generator(1))
    unread = (
        {"alpha"} if example.kind in {"lokr", "full"} and make_layer(slots, shape, shape[:1]).rank is None else set()
    )
    for name in (name for name, tensor in slots.items() if tensor.is_floating_point() and name not in unread):
        for position in {0, slots[name].numel() // 2, slots[name].numel() - 1}:
            broken = slots[name].float().clone()
            broken.view(-1)[position] = bad
            with pytest.raises(BrokenAdapterError, match=name):
                make_layer(slots | {name: broken.half()}, shape, shape[:1])


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.form != "shared"], ids=str)
def test_a_group_for_a_layer_of_another_size_is_refused(example: Example) -> None:
    slots = example.build(example.shapes[-1], generator(1))
    for other in ((25, 17, 3, 3), (48, 17), (1280, 1280), (7,)):
        with pytest.raises(BrokenAdapterError):
            make_layer(slots, other, (24,) if not {"diff_b", "up_bias"} & slots.keys() else other[:1])


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_a_core_slot_with_an_empty_axis_or_one_axis_too_many_is_refused(example: Example) -> None:
    shape = example.shapes[0]
    slots = example.build(shape, generator(1))
    # one number per channel, in whatever arrangement, is one number per channel
    for name in slots.keys() - {
        "alpha",
        "rescale",
        "ia3",
        "on_input",
        "scaled_oft",
        "terms",
        "coft",
        "magnitude",
        "up_bias",
    }:
        for wrong in (slots[name][None, None, None], slots[name].new_zeros(0, *slots[name].shape[1:])):
            with pytest.raises(BrokenAdapterError):
                make_layer(slots | {name: wrong}, shape, shape[:1])


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64])
def test_weights_that_are_not_real_numbers_are_refused(dtype: torch.dtype) -> None:
    slots = lora(LINEAR, generator(1))
    with pytest.raises(BrokenAdapterError, match="floating point"):
        make_layer(slots | {"up": torch.ones(slots["up"].shape, dtype=dtype)}, LINEAR, None)


SPOILED: dict[str, Callable[[Slots], object]] = {
    "index beyond the last row": lambda slots: slots["bias_indices"][0].fill_(24),
    "index beyond the last column": lambda slots: slots["bias_indices"][1].fill_(16),
    "negative index": lambda slots: slots["bias_indices"].fill_(-1),
    "no size": lambda slots: slots.pop("bias_size"),
    "a value too few": lambda slots: slots.update(bias_values=slots["bias_values"][1:]),
    "another size": lambda slots: slots.update(bias_size=torch.tensor([16, 24])),
    "three axes": lambda slots: slots.update(bias_size=torch.tensor([24, 16, 1])),
    "a flat index": lambda slots: slots.update(bias_indices=slots["bias_indices"][0]),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_a_sparse_addend_that_contradicts_itself_is_refused(spoil: Callable[[Slots], object]) -> None:
    slots = with_sparse(lora(LINEAR, generator(1)), LINEAR, generator(2))
    make_layer(slots, LINEAR, None)
    spoil(slots)
    with pytest.raises(BrokenAdapterError):
        make_layer(slots, LINEAR, None)


def test_a_bias_on_a_layer_without_one_is_refused() -> None:
    with pytest.raises(BrokenAdapterError, match="has none"):
        make_layer({"diff_b": torch.ones(24)}, LINEAR, None)
    with pytest.raises(BrokenAdapterError, match="bias is 24"):
        make_layer({"diff_b": torch.ones(23)}, LINEAR, (24,))
