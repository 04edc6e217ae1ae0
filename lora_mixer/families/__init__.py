"""Families of base models: one record each, from which detection, naming, block weights and errors are made. No torch here."""

from lora_mixer.families.clip import FIRST, SECOND, TEXT
from lora_mixer.families.clues import Clue
from lora_mixer.families.detection import family_of_config, family_of_shapes
from lora_mixer.families.index import ModuleIndex, places_of
from lora_mixer.families.recognised import NamedModule, recognise
from lora_mixer.families.record import (
    BlockLayout,
    Config,
    DenoiserKind,
    Family,
    Measure,
    ModulePlace,
    TextEncoderSpec,
    VelocityTest,
)
from lora_mixer.families.sd1 import EMOJI, SD1
from lora_mixer.families.sd2 import SD2
from lora_mixer.families.sdxl import SDXL, SDXL_REFINER
from lora_mixer.families.table import (
    all_families,
    check_part,
    component_folders,
    denoiser_kinds,
    find_family,
    text_encoders,
    text_parts,
)
from lora_mixer.families.unet import UNET

__all__ = [
    "EMOJI",
    "FIRST",
    "SD1",
    "SD2",
    "SDXL",
    "SDXL_REFINER",
    "SECOND",
    "TEXT",
    "UNET",
    "BlockLayout",
    "Clue",
    "Config",
    "DenoiserKind",
    "Family",
    "Measure",
    "ModuleIndex",
    "ModulePlace",
    "NamedModule",
    "TextEncoderSpec",
    "VelocityTest",
    "all_families",
    "check_part",
    "component_folders",
    "denoiser_kinds",
    "family_of_config",
    "family_of_shapes",
    "find_family",
    "places_of",
    "recognise",
    "text_encoders",
    "text_parts",
]
