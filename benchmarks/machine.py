"""What this machine can do at best: the speed of its products and of its copies."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.report import medians


@cache
def seconds_per_flop(dtype: torch.dtype = torch.bfloat16) -> float:
    """Return the seconds of a floating-point operation in a large product."""
    left = torch.ones(2048, 2048, dtype=dtype)
    (product,) = medians([lambda: left @ left], repetitions=7)
    return product / (2 * 2048**3)


@cache
def seconds_per_byte() -> float:
    """Return the seconds in which a byte is read and written."""
    source, goal = torch.ones(2**26, dtype=torch.uint8), torch.ones(2**26, dtype=torch.uint8)
    (copy,) = medians([lambda: goal.copy_(source)], repetitions=7)
    return copy / 2**26


def flops_of(step: Callable[[], object]) -> int:
    """Return the floating-point operations of a forward: products, convolutions and attention's two products.

    torch counts no operations of its attention kernel for CPUs, so attention is computed in plain steps here.
    """
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        step()
    return int(counter.get_total_flops())


def lora_flops(unet: nn.Module, step: Callable[[], object], ranks: int, names: frozenset[str]) -> int:
    """Return what low-rank factors of so many ranks beside the named modules add to a forward."""
    total = 0

    def count(module: nn.Module, _inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total
        weight = module.get_parameter("weight")
        places = output.numel() // weight.shape[0]
        total += 2 * places * ranks * (weight.shape[0] + weight[0].numel())

    handles = [unet.get_submodule(name).register_forward_hook(count) for name in names]
    step()
    for handle in handles:
        handle.remove()
    return total
