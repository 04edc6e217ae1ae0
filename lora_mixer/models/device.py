"""Default device and dtype of a model."""

from __future__ import annotations

import sys
import time
from functools import cache

import torch

from lora_mixer.errors import RequestError
from lora_mixer.kernels.timing import shortest

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

SIDE = 512
"""Side of the matrices multiplied to find the faster dtype."""

CLOCK = time.perf_counter if sys.platform == "win32" else time.process_time
"""Processor time, undisturbed by other programs; on Windows its resolution is 16 ms."""

CLEARLY = 1.2
"""bfloat16 is less exact, so it must be faster by this factor. Measured: 0.5 on one processor, 2.2 on another."""


def choose_device(name: str | None = None) -> torch.device:
    """Return the device called `name`, or the best available: CUDA, then MPS, then the CPU.

    Raises:
        RequestError: There is no such device on this machine.
    """
    if name is None:
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if _is_there(kind)))
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise RequestError(f"{name!r} is not a device", remedy="Use cpu, cuda, cuda:1 or mps.") from error
    if not _is_there(device.type):
        raise RequestError(f"this machine has no {device.type} device that torch can use", remedy="Use cpu.")
    return device


def choose_dtype(device: torch.device, name: str | None = None, *, computes: bool = True) -> torch.dtype:
    """Return the dtype called `name`, or the device's fastest that keeps the picture's quality.

    bfloat16 where it is the faster one (CUDA from Ampere on, CPUs with AMX and most with AVX512-BF16), float16 on other
    CUDA devices, float32 otherwise. float16 on a CPU is some thousand times slower and is refused, unless nothing but
    merging is computed, which is done in float32 whatever the weights are in.

    Raises:
        RequestError: The dtype is unknown, or is float16 on a CPU.
    """
    if name is None:
        return _fastest(device)
    if name not in DTYPES:
        raise RequestError(f"{name!r} is not a dtype", remedy=f"Use one of {', '.join(DTYPES)}.")
    if computes and DTYPES[name] is torch.float16 and device.type == "cpu":
        raise RequestError("a CPU cannot compute in float16 at a usable speed", remedy="Use bfloat16 or float32.")
    return DTYPES[name]


def _fastest(device: torch.device) -> torch.dtype:
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cpu" and cpu_is_faster_in_bfloat16():
        return torch.bfloat16
    return torch.float32


@cache
def cpu_is_faster_in_bfloat16() -> bool:
    """Return whether products in bfloat16 are faster than in float32 on this CPU.

    They are with matrix units (AMX) and on Arm; without any instructions for them they are emulated. AVX512-BF16 alone
    leaves it open: AMD's cores multiply bfloat16 at twice the speed of float32, Intel's Xeons whose AMX is hidden by a
    virtual machine at half of it. There a few products are timed, which takes some hundredths of a second.
    """
    capabilities = torch.cpu.get_capabilities()
    if capabilities.get("amx_bf16") or capabilities.get("bf16"):
        return True
    if not capabilities.get("avx512_bf16"):
        return False
    return seconds_of_a_product(torch.float32) > CLEARLY * seconds_of_a_product(torch.bfloat16)


def seconds_of_a_product(dtype: torch.dtype) -> float:
    """Return the shortest time of a matrix product in this dtype on the CPU."""
    factor = torch.ones(SIDE, SIDE, dtype=dtype)
    return shortest(lambda: factor @ factor, CLOCK)


def _is_there(kind: str) -> bool:
    if kind == "cuda":
        return torch.cuda.is_available()
    if kind == "mps":
        return torch.backends.mps.is_available()
    return kind == "cpu"
