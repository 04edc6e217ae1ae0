"""One render, from jobs to pictures, as a table of contents."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import IO

from PIL import Image
from torch import Tensor

from lora_mixer.errors import RenderError
from lora_mixer.files import Leases
from lora_mixer.images import RenderRecord, make_folder, save_picture
from lora_mixer.models import using_threads
from lora_mixer.modules import Family
from lora_mixer.pipeline.denoiser import Predictor
from lora_mixer.pipeline.job import Job
from lora_mixer.pipeline.loaded_model import LoadedModel
from lora_mixer.pipeline.record import joined, record_of
from lora_mixer.render_options import RenderOptions
from lora_mixer.request import Settings
from lora_mixer.sampling import NoiseSource, Step, find_sampler, resample, sample, starting_noise


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedImage:
    """A finished picture and its whole record; notebooks show it.

    Attributes:
        image: The pixels. Saved by themselves they lose the record; `save` keeps it.
        record: What made them.
    """

    image: Image.Image
    record: RenderRecord

    def save(self, target: str | Path | IO[bytes], *, format: str | None = None) -> None:
        """Write the picture with its record, so that it can be rendered again from the file alone.

        Args:
            target: A path, or a file that is open for writing bytes. Missing folders are made.
            format: `png`, `webp`, `jpg`, `avif`; None takes the path's ending, and PNG for an open file.

        Raises:
            RequestError: The format is not known, or its metadata has no room for the record.
            FileError: The file cannot be written.
        """
        if isinstance(target, (str, PathLike)):
            make_folder(Path(target).parent)
            save_picture(self.image, self.record, target, format=format)
        else:
            save_picture(self.image, self.record, target, format=format)

    def png_bytes(self) -> bytes:
        """Return the picture as a PNG file with its record, for an answer or a database."""
        out = BytesIO()
        self.save(out)
        return out.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png_bytes()


def render(
    loaded: LoadedModel, jobs: Sequence[Job], options: RenderOptions | None = None
) -> Generator[Step | RenderedImage, None, None]:
    """Render a batch of pictures that share size, steps and sampler; yield every step, then every picture.

    Close the iterator to cancel: the model's weights are pristine between any two steps.

    Args:
        loaded: The open model with its engine.
        jobs: The pictures, each with its own texts, seed and mix.
        options: How; what they leave open is as the model's defaults say.

    Raises:
        RenderError: The picture came out as not-a-number.
        ChangedFileError: A file that decides the pictures was written since it was opened.
    """
    chosen = (options or RenderOptions()).over(loaded.defaults)
    mapped = (*loaded.model.seals, *(seal for job in jobs for seal in job.files))
    with using_threads(chosen.threads), Leases(mapped) as files:
        loaded.rest()
        yield from _render(loaded, jobs, files, chosen)


def _render(
    loaded: LoadedModel, jobs: Sequence[Job], files: Leases, options: RenderOptions
) -> Iterator[Step | RenderedImage]:
    """Render a batch in numbered steps."""
    started = time.perf_counter()
    # 1. the first pass, from noise
    first = _Pass(loaded, jobs, files, engine=options.engine)
    latents = yield from first.steps(first.from_noise())
    plans = [first.plan]
    # 2. hires fix: the second pass, from the enlarged picture with noise on it
    again = [job.second for job in jobs if job.second is not None]
    hires = jobs[0].settings.hires
    largest = hires or jobs[0].settings
    tiled = loaded.tiles(largest.height, largest.width, options.tiled)
    if hires is not None:
        second = _Pass(loaded, again, files, engine=options.engine, done=jobs[0].settings.steps)
        latents = yield from second.steps(
            second.from_pictures(loaded.enlarged(latents, hires, tiled=tiled), hires.denoise)
        )
        plans.append(second.plan)
    # 3. pixels
    pictures = [loaded.picture(latent, tiled=tiled) for latent in latents]
    # 4. what was done, for each picture
    seconds = (time.perf_counter() - started) / len(jobs)
    records = [
        record_of(loaded, jobs, index, plan=joined(plans), seconds=seconds, tiled=tiled) for index in range(len(jobs))
    ]
    files.check()
    files.let_go()
    for picture, record in zip(pictures, records, strict=True):
        yield RenderedImage(image=picture, record=record)


class _Pass:
    """One pass of a batch: the sampler, every picture's own noise, and the denoiser.

    Args:
        loaded: The open model.
        jobs: The pictures as this pass draws them.
        files: What they are read from, held while a step is computed.
        engine: The engine that is asked for.
        done: Steps of the pass before.
    """

    def __init__(
        self, loaded: LoadedModel, jobs: Sequence[Job], files: Leases, *, engine: str | None, done: int = 0
    ) -> None:
        self._loaded, self._files, self._done = loaded, files, done
        self._settings = jobs[0].settings
        self._total = done + self._settings.steps + (self._settings.hires.steps if self._settings.hires else 0)
        self._sampler = find_sampler(self._settings.sampler, self._settings.schedule, self._settings.eta)
        self._noise = [_noise(job.settings) for job in jobs]
        self.plan = loaded.plan(jobs, engine)
        self._denoise = Predictor(loaded, jobs, self.plan)  # texts encoded under their mix, guidance, the UNet

    def from_noise(self) -> Iterator[Step]:
        """Return the steps that start from noise alone."""
        model, settings = self._loaded.model, self._settings
        shape = (model.latent_channels, settings.height // model.latent_scale, settings.width // model.latent_scale)
        latents = starting_noise(self._noise, shape).to(model.device)
        return sample(
            self._denoise,
            latents,
            self._sampler,
            model.scheduler_config,
            settings.steps,
            self._noise,
            sdxl=model.family is Family.SDXL,
        )

    def from_pictures(self, pictures: Tensor, strength: float) -> Iterator[Step]:
        """Return the steps that draw pictures (n, c, h, w) anew, as far as the strength says."""
        trained, steps = self._loaded.model.scheduler_config, self._settings.steps
        return resample(
            self._denoise,
            pictures,
            self._sampler,
            trained,
            steps,
            self._noise,
            strength=strength,
            sdxl=self._loaded.model.family is Family.SDXL,
        )

    def steps(self, taken: Iterator[Step]) -> Generator[Step, None, Tensor]:
        """Yield the steps, counted over both passes; return the latents they end with."""
        latents: Tensor | None = None
        for step in taken:
            latents = step.latents
            self._files.check()  # did somebody wait to write one while the step was computed?
            self._files.let_go()
            yield replace(step, index=self._done + step.index, total=self._total)
            self._files.take()  # before the next step reads what is mapped
        if latents is None:
            raise RenderError("the sampler took no step", remedy="Use more steps.")
        return latents


def _noise(settings: Settings) -> NoiseSource:
    return NoiseSource(settings.seed, settings.subseed, settings.subseed_strength, rng=settings.rng)
