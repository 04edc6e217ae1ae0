from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lora_mixer.adapters import Weights, make_layer
from lora_mixer.errors import BrokenAdapterError


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_conv_adapter_equals_two_convolutions() -> None:
    slots = {"down": randn(4, 6, 3, 3), "up": randn(8, 4, 1, 1, seed=1), "alpha": torch.tensor(2.0)}
    layer = make_layer(slots, (8, 6, 3, 3), None)
    x = randn(2, 6, 9, 9, seed=2)
    two = F.conv2d(F.conv2d(x, slots["down"], padding=1, stride=2), slots["up"]) * (2 / 4)
    delta = layer.delta(Weights(randn(8, 6, 3, 3), None)).weight
    assert delta is not None
    torch.testing.assert_close(F.conv2d(x, delta, padding=1, stride=2), two)


def test_a_tucker_core_is_a_third_convolution_in_between() -> None:
    slots = {"down": randn(4, 6, 1, 1), "mid": randn(4, 4, 3, 3, seed=3), "up": randn(8, 4, 1, 1, seed=1)}
    factors = make_layer(slots, (8, 6, 3, 3), None).factors(torch.float64)
    x = randn(2, 6, 9, 9, seed=2)
    three = F.conv2d(F.conv2d(F.conv2d(x, slots["down"]), slots["mid"], padding=1), slots["up"])
    assert factors is not None
    torch.testing.assert_close(F.conv2d(F.conv2d(x, factors.down, padding=1), factors.up[:, :, None, None]), three)


@pytest.mark.parametrize(
    ("slots", "why"),
    [
        ({"up": randn(8, 4)}, "lacks `down`"),
        ({"up": randn(8, 4), "down": randn(5, 6)}, "rank of `up`"),
        ({"up": randn(8, 0), "down": randn(0, 6)}, "rank 0"),
        ({"up": randn(8, 4), "down": randn(4, 7)}, "inputs"),
        ({"up": randn(9, 4), "down": randn(4, 6)}, "outputs"),
        ({"up": randn(8, 4), "down": randn(4, 6).fill_(float("nan"))}, "NaN"),
        ({"up": randn(8, 4), "down": randn(4, 6), "alpha": randn(3)}, "one number"),
        ({"up": randn(8, 4), "down": randn(4, 6), "alpha": torch.tensor(float("inf"))}, "inf"),
    ],
)
def test_a_group_that_contradicts_itself_is_refused_with_the_reason(slots: dict[str, torch.Tensor], why: str) -> None:
    with pytest.raises(BrokenAdapterError, match=why):
        make_layer(slots, (8, 6), None)
