"""The thin products beside a module are the low-rank terms, however they are multiplied."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from lora_mixer.adapters import LowRank
from lora_mixer.blend.layer_ops import operator_of
from lora_mixer.blend.low_rank_kernel import products_beside

RANK, WIDTH, OUT = 24, 64, 96
MODULES = {
    "linear": nn.Linear(WIDTH, OUT),
    "1 x 1": nn.Conv2d(WIDTH, OUT, 1),
    "3 x 3": nn.Conv2d(WIDTH, OUT, 3, padding=1),
    "strided": nn.Conv2d(WIDTH, OUT, 1, stride=2),
}
ROWS = 3


def noise(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).bfloat16()


def given(module: nn.Module) -> Tensor:
    if isinstance(module, nn.Linear):
        return noise(ROWS, 50, WIDTH, seed=1)
    return noise(ROWS, WIDTH, 8, 8, seed=1).contiguous(memory_format=torch.channels_last)


def factors(module: nn.Module) -> LowRank:
    kernel = module.weight.shape[2:]  # type: ignore[union-attr]
    return LowRank(down=noise(RANK, WIDTH, *kernel, seed=2) / 8, up=noise(OUT, RANK, seed=3) / 8)


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@torch.no_grad()
def test_they_add_what_the_terms_add_within_two_roundings(name: str, layout: torch.memory_format) -> None:
    module = MODULES[name].bfloat16()
    x, low, operator = given(module), factors(module), operator_of(module)
    x = x.contiguous(memory_format=layout) if x.ndim == 4 else x
    strengths, products = noise(ROWS, RANK, seed=4), products_beside(module, low)
    for _ in range(2):  # packing, and packed
        exact = module(x).double() + LowRank(down=low.down.double(), up=low.up.double()).forward(
            x.double(), x.double(), operator, strengths.double()
        )
        found = products.added(module(x), x, operator, strengths)
        assert found.shape == exact.shape
        assert (found.double() - exact).norm() / exact.norm() < 2 * 2**-8


@pytest.mark.parametrize("name", MODULES)
@torch.no_grad()
def test_a_row_is_what_it_is_alone_and_strength_may_differ_over_the_picture(name: str) -> None:
    module = MODULES[name].bfloat16()
    x, operator, products = given(module), operator_of(module), products_beside(module, factors(module))
    y = module(x)
    over = noise(ROWS, RANK, *y.shape[2:], seed=5) if y.ndim == 4 else noise(ROWS, y.shape[1], RANK, seed=5)
    for strengths in (noise(ROWS, RANK, seed=4), over):
        together = products.added(y.clone(), x, operator, strengths)
        for row in range(ROWS):
            one = slice(row, row + 1)
            assert torch.equal(products.added(y[one].clone(), x[one], operator, strengths[one]), together[one])
