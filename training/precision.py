"""Matrix products in bfloat16 where the processor has it, in float32 elsewhere: emulated it is dozens of times slower."""

from __future__ import annotations

import torch
from accelerate import PartialState  # type: ignore[import-untyped]

from lora_mixer.models.device import cpu_has_bfloat16


def mixed_precision() -> str:
    """``bf16`` or ``no``, in accelerate's and kohya's words.

    A GPU is asked for bfloat16 in any case: without it, accelerate says so.
    """
    return "bf16" if PartialState().device.type != "cpu" or cpu_has_bfloat16() else "no"


def autocast() -> torch.autocast:
    """What pictures are measured and made under on the CPU."""
    return torch.autocast("cpu", torch.bfloat16, enabled=cpu_has_bfloat16())
