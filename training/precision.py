"""Matrix products in bfloat16 where the device has it, in float32 elsewhere: emulated on a CPU it is dozens of times slower."""

from __future__ import annotations

import torch
from accelerate import PartialState  # type: ignore[import-untyped]

from lora_mixer.models.device import choose_dtype

CPU = torch.device("cpu")


def mixed_precision() -> str:
    """``bf16`` or ``no``, in accelerate's and kohya's words, for the device that accelerate trains on."""
    return "bf16" if choose_dtype(PartialState().device) is torch.bfloat16 else "no"


def autocast(device: torch.device = CPU) -> torch.autocast:
    """What pictures are made and measured under, on a device."""
    return torch.autocast(device.type, torch.bfloat16, enabled=choose_dtype(device) is torch.bfloat16)
