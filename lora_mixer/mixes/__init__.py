"""What a mix is made of: LoRAs with their strengths, curves over the steps and places in the picture."""

from lora_mixer.mixes.curve import Curve
from lora_mixer.mixes.element import ElementWeight
from lora_mixer.mixes.limits import MAX_STRENGTH, check_strength
from lora_mixer.mixes.mix import Loras, LoraUse, Mix, mix_of
from lora_mixer.mixes.strength import Strength
from lora_mixer.places import Rectangle

__all__ = [
    "MAX_STRENGTH",
    "Curve",
    "ElementWeight",
    "LoraUse",
    "Loras",
    "Mix",
    "Rectangle",
    "Strength",
    "check_strength",
    "mix_of",
]
