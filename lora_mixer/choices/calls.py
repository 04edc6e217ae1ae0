"""How often a sampler calls the model at each step, as A1111 counts."""

from __future__ import annotations

from lora_mixer.choices.samplers import find_sampler

TWICE = frozenset({"Heun", "DPM2", "DPM2 a", "DPM++ 2S a", "DPM++ SDE", "Restart"})
"""Samplers that A1111 marks `second_order`, for which it lays schedules of prompts over twice as many steps.

Source: `modules/sd_samplers_kdiffusion.py` and `SamplerData.total_steps` of AUTOMATIC1111/stable-diffusion-webui.
"""


def calls_a_step(sampler: str) -> int:
    """Return 2 for a sampler of second order, else 1.

    >>> calls_a_step("Heun"), calls_a_step("DPM++ 2M")
    (2, 1)
    """
    return 2 if find_sampler(sampler).row.name in TWICE else 1
