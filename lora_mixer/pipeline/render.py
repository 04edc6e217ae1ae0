"""One render, from jobs to pictures, as a table of contents."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lora_mixer.files import Leases
from lora_mixer.images import RenderRecord, make_folder, save_picture
from lora_mixer.kernels import retain_heap
from lora_mixer.models import using_threads
from lora_mixer.pipeline.course import Course, Enlarging
from lora_mixer.pipeline.job import Job
from lora_mixer.pipeline.loaded_model import LoadedModel
from lora_mixer.pipeline.passes import PassRun
from lora_mixer.pipeline.record import HowRendered, joined, record_of
from lora_mixer.pipeline.upscaling import enlarged_pictures
from lora_mixer.render_options import RenderOptions
from lora_mixer.sampling import Step
from lora_mixer.upscalers import TILE, Tile, counted


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
    loaded: LoadedModel,
    jobs: Sequence[Job],
    options: RenderOptions | None = None,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Generator[Step | Enlarging | RenderedImage, None, None]:
    """Render a batch of pictures that share size, steps and sampler; yield what is done on the way, then every picture.

    Close the iterator to cancel: the model's weights are pristine between any two steps, and its kernels are taken off
    on every way out.

    Args:
        loaded: The open model with its engine.
        jobs: The pictures, each with its own texts, seed and mix.
        options: How; what they leave open is as the model's defaults say.
        clock: Tells seconds, for the records.

    Raises:
        RenderError: The picture came out as NaN.
        ChangedFileError: A file that decides the pictures was written since it was opened.
    """
    chosen = (options or RenderOptions()).over(loaded.defaults)
    mapped = (*loaded.model.seals, *(seal for job in jobs for seal in job.files))
    loaded.rest()
    with using_threads(chosen.threads), retain_heap(), loaded.kernels.on(), Leases(mapped) as files:
        yield from _render(loaded, jobs, files, chosen, clock)


def _render(
    loaded: LoadedModel, jobs: Sequence[Job], files: Leases, options: RenderOptions, clock: Callable[[], float]
) -> Iterator[Step | Enlarging | RenderedImage]:
    """Render a batch in numbered steps."""
    started = clock()
    last = jobs[0].passes[-1].settings
    tiled = loaded.tiles(last.height, last.width, options.tiled)
    tile, course = options.upscale_tile or TILE, Course(jobs, files)
    # 1. the passes: each from noise, from a picture, or from the enlarged picture of the one before
    runs: list[PassRun] = []
    latents: Tensor | None = None
    for passes in zip(*(job.passes for job in jobs), strict=True):
        run = PassRun(loaded, passes, engine=options.engine, tiled=tiled, tile=tile)
        latents = yield from course.through(run.steps(latents))
        tile = run.tile
        runs.append(run)
    # 2. pixels
    assert latents is not None
    pictures = runs[-1].put_back([loaded.picture(latent, tiled=tiled) for latent in latents])
    # 3. each picture at its last size
    finished = []
    for index, (job, picture) in enumerate(zip(jobs, pictures, strict=True)):
        enlarged = yield from course.through(counted(_enlarged(loaded, job, picture, tile), index, len(jobs)))
        finished.append(enlarged.picture)
        tile = enlarged.tile
    # 4. what was done, for each picture
    how = HowRendered(
        plan=joined([run.plan for run in runs]),
        seconds=(clock() - started) / len(jobs),
        tiled=tiled,
        upscale_tile=None if tile == TILE else tile,
    )
    records = [record_of(loaded, jobs, index, how) for index in range(len(jobs))]
    files.check()
    files.let_go()
    for picture, record in zip(finished, records, strict=True):
        yield RenderedImage(image=picture, record=record)


class _LastSize(NamedTuple):
    picture: Image.Image
    tile: int


def _enlarged(loaded: LoadedModel, job: Job, picture: Image.Image, tile: int) -> Generator[Tile, None, _LastSize]:
    """Return a finished picture at its last size, and the side of the tiles of the network that enlarged it.

    Sides are multiples of 8 rounded down, as A1111's are (`Upscaler.upscale`).
    """
    settings = job.settings
    if settings.upscale == 1 or settings.upscaler is None:
        return _LastSize(picture, tile)
    width, height = (int(side * settings.upscale // 8 * 8) for side in picture.size)
    pixels = torch.from_numpy(np.array(picture)).unsqueeze(0)
    made = yield from enlarged_pictures(
        loaded.upscalers, pixels, settings.upscaler, job.upscaler, height=height, width=width, tile=tile
    )
    return _LastSize(Image.fromarray(made.pictures[0].numpy()), made.tile)
