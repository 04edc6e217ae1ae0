"""Where a model runs and in which number format, when nobody said so."""

from __future__ import annotations

import torch

from lora_mixer.errors import RequestError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str | None = None) -> torch.device:
    """Return the device called `name`, or the best one there is: CUDA, then MPS, then the CPU.

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
    """Return the dtype called `name`, or the fastest one the device computes in without losing the picture.

    bfloat16 where the hardware has it (CUDA from Ampere on, CPUs with AVX512-BF16 or AMX), float16 on other CUDA
    devices, float32 otherwise. float16 on a CPU is some thousand times slower and is refused, unless nothing but
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
    if device.type == "cpu" and cpu_has_bfloat16():
        return torch.bfloat16
    return torch.float32


def cpu_has_bfloat16() -> bool:
    """Return whether this CPU multiplies bfloat16 natively; on others it is emulated and slower than float32."""
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16"))


def _is_there(kind: str) -> bool:
    if kind == "cuda":
        return torch.cuda.is_available()
    if kind == "mps":
        return torch.backends.mps.is_available()
    return kind == "cpu"
