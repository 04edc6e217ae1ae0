"""One render, in numbered steps."""

from __future__ import annotations

from lora_mixer.pipeline.calibrating import Calibrations
from lora_mixer.pipeline.course import Enlarging
from lora_mixer.pipeline.job import (
    AdapterUse,
    Condition,
    FromNoise,
    FromPassBefore,
    FromPicture,
    Job,
    Pass,
    Segment,
    Start,
)
from lora_mixer.pipeline.loaded_model import LoadedModel
from lora_mixer.pipeline.probe import probe, steps_of
from lora_mixer.pipeline.record import inputs_of, record_of
from lora_mixer.pipeline.render import RenderedImage, render
from lora_mixer.pipeline.text_cache import TextCache
from lora_mixer.pipeline.upscaling import UpscalerUse
from lora_mixer.renamed import moved

__all__ = [
    "AdapterUse",
    "Calibrations",
    "Condition",
    "Enlarging",
    "FromNoise",
    "FromPassBefore",
    "FromPicture",
    "Job",
    "LoadedModel",
    "Pass",
    "RenderedImage",
    "Segment",
    "Start",
    "TextCache",
    "UpscalerUse",
    "inputs_of",
    "probe",
    "record_of",
    "render",
    "steps_of",
]

__getattr__ = moved(__name__)
