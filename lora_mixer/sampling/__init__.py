"""Sampling: samplers and schedules by name, seeded noise, and the loops. The only room that knows schedulers."""

from lora_mixer.choices import AUTOMATIC, SAMPLERS, SCHEDULES, Sampler, SamplerRow, find_sampler
from lora_mixer.sampling.levels import signal_shares
from lora_mixer.sampling.loop import course_of, resample, sample
from lora_mixer.sampling.noise import NoiseSource, starting_noise
from lora_mixer.sampling.noise_schedule import schedule_in_use
from lora_mixer.sampling.start import PictureStart
from lora_mixer.sampling.step import Denoise, Step
from lora_mixer.sampling.upscale import upscale_latents, upscale_pictures

__all__ = [
    "AUTOMATIC",
    "SAMPLERS",
    "SCHEDULES",
    "Denoise",
    "NoiseSource",
    "PictureStart",
    "Sampler",
    "SamplerRow",
    "Step",
    "course_of",
    "find_sampler",
    "resample",
    "sample",
    "schedule_in_use",
    "signal_shares",
    "starting_noise",
    "upscale_latents",
    "upscale_pictures",
]
