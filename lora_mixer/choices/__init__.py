"""Tables of named choices as plain values: samplers, schedules, upscalers, presets, dialects. No torch here."""

from __future__ import annotations

from lora_mixer.choices.balances import BALANCES, BY_BLOCK, BY_MIX, OFF, find_balance
from lora_mixer.choices.calls import calls_a_step
from lora_mixer.choices.emphasis import EMPHASES, find_emphasis
from lora_mixer.choices.grammars import GRAMMARS, find_grammar
from lora_mixer.choices.inputs import (
    INPAINT_AREAS,
    LATENT_NOISE,
    LATENT_NOTHING,
    MASK_MODES,
    MASKED_CONTENTS,
    ONLY_MASKED,
    ORIGINAL,
    RESIZE_MODES,
    find_inpaint_area,
    find_mask_mode,
    find_masked_content,
    find_resize_mode,
)
from lora_mixer.choices.methods import METHODS, SUM, BlendMethod, MethodNumber, MethodRow, find_method
from lora_mixer.choices.names import key_of
from lora_mixer.choices.presets import PRESETS, Preset, find_preset
from lora_mixer.choices.rng import RNGS, find_rng
from lora_mixer.choices.samplers import SAMPLERS, Sampler, SamplerRow, find_sampler, is_alone
from lora_mixer.choices.schedules import AUTOMATIC, SCHEDULES, TRAILING, find_schedule, schedule_before
from lora_mixer.choices.upscalers import (
    OWN,
    UPSCALER_ALIASES,
    UPSCALER_FILES,
    UPSCALERS,
    Upscaler,
    find_picture_upscaler,
    find_upscaler,
)

__all__ = [
    "AUTOMATIC",
    "BALANCES",
    "BY_BLOCK",
    "BY_MIX",
    "EMPHASES",
    "GRAMMARS",
    "INPAINT_AREAS",
    "LATENT_NOISE",
    "LATENT_NOTHING",
    "MASKED_CONTENTS",
    "MASK_MODES",
    "METHODS",
    "OFF",
    "ONLY_MASKED",
    "ORIGINAL",
    "OWN",
    "PRESETS",
    "RESIZE_MODES",
    "RNGS",
    "SAMPLERS",
    "SCHEDULES",
    "SUM",
    "TRAILING",
    "UPSCALERS",
    "UPSCALER_ALIASES",
    "UPSCALER_FILES",
    "BlendMethod",
    "MethodNumber",
    "MethodRow",
    "Preset",
    "Sampler",
    "SamplerRow",
    "Upscaler",
    "calls_a_step",
    "find_balance",
    "find_emphasis",
    "find_grammar",
    "find_inpaint_area",
    "find_mask_mode",
    "find_masked_content",
    "find_method",
    "find_picture_upscaler",
    "find_preset",
    "find_resize_mode",
    "find_rng",
    "find_sampler",
    "find_schedule",
    "find_upscaler",
    "is_alone",
    "key_of",
    "schedule_before",
]
