"""One render, from jobs to pictures, as a table of contents."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from lora_mixer.images import RenderRecord
from lora_mixer.pipeline.desk import Desk
from lora_mixer.pipeline.job import Job
from lora_mixer.pipeline.predict import Predictor
from lora_mixer.pipeline.record import record_of
from lora_mixer.request import Settings
from lora_mixer.sampling import NoiseSource, Step, find_sampler, sample, starting_noise


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedImage:
    """A finished picture and its whole record."""

    image: Image.Image
    record: RenderRecord


def render(desk: Desk, jobs: Sequence[Job]) -> Iterator[Step | RenderedImage]:
    """Render a batch of pictures that share size, steps and sampler; yield every step, then every picture.

    Stop iterating to cancel: the model's weights are pristine between any two steps.

    Args:
        desk: The open model with its engine.
        jobs: The pictures, each with its own texts, seed and mix.

    Raises:
        RenderError: The picture came out as not-a-number, or memory ran out.
    """
    started = time.perf_counter()
    # 1. the sampler and every picture's own noise
    settings, model = jobs[0].settings, desk.model
    sampler = find_sampler(settings.sampler, settings.schedule, settings.eta)
    noise = [_noise(job.settings) for job in jobs]
    latents = starting_noise(noise, _latent_shape(desk, jobs[0])).to(model.device)
    # 2. the denoiser: texts encoded under their mix, guidance, the UNet
    denoise = Predictor(desk, jobs)
    # 3. the steps
    for step in sample(denoise, latents, sampler, model.scheduler_config, settings.steps, noise):
        latents = step.latents
        yield step
    # 4. pixels
    pictures = [desk.picture(latent) for latent in latents]
    # 5. what was done, for each picture
    seconds = (time.perf_counter() - started) / len(jobs)
    for index, picture in enumerate(pictures):
        yield RenderedImage(image=picture, record=record_of(desk, jobs, index, plan=denoise.plan, seconds=seconds))


def _noise(settings: Settings) -> NoiseSource:
    return NoiseSource(settings.seed, settings.subseed, settings.subseed_strength)


def _latent_shape(desk: Desk, job: Job) -> tuple[int, int, int]:
    scale = desk.model.latent_scale
    return desk.model.latent_channels, job.settings.height // scale, job.settings.width // scale
