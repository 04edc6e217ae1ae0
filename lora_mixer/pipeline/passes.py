"""One pass of a batch, from what it starts from to the latents it ends with."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lora_mixer.choices import ORIGINAL, find_upscaler
from lora_mixer.errors import RenderError
from lora_mixer.images.canvas import Canvas, canvas_of
from lora_mixer.images.opening import open_input
from lora_mixer.kernels import AttentionWatch
from lora_mixer.pipeline.denoiser import Predictor
from lora_mixer.pipeline.job import FromPassBefore, FromPicture, Pass
from lora_mixer.pipeline.loaded_model import LoadedModel
from lora_mixer.pipeline.upscaling import enlarged_pictures
from lora_mixer.places import CenterCrop
from lora_mixer.request import Settings
from lora_mixer.sampling import (
    NoiseSource,
    PictureStart,
    Step,
    course_of,
    find_sampler,
    resample,
    sample,
    starting_noise,
    upscale_latents,
)
from lora_mixer.upscalers import TILE, Tile


class PassRun:
    """One pass of every picture of a batch: the sampler, every picture's own noise, and the denoiser.

    Args:
        loaded: The open model.
        passes: What each picture does in this pass; they start alike.
        engine: The engine that is asked for.
        tiled: Whether pictures are decoded and encoded in tiles.
        tile: The side of an upscaler's tiles.

    Attributes:
        tile: The same, as it was at last: smaller where memory ran out.
    """

    def __init__(
        self, loaded: LoadedModel, passes: Sequence[Pass], *, engine: str | None, tiled: bool, tile: int = TILE
    ) -> None:
        self._loaded, self._tiled = loaded, tiled
        self.tile = tile
        self._passes = tuple(passes)
        self._settings = passes[0].settings
        self._sampler = find_sampler(self._settings.sampler, self._settings.schedule, self._settings.eta)
        self._noise = [_noise(one.settings) for one in passes]
        self._canvases = tuple(canvas_at(one.start, one.settings) for one in passes)
        self.plan = loaded.plan(passes, engine)
        told = self._told() if loaded.model.inpaints else None
        self._denoise = Predictor(
            loaded, passes, self.plan, told
        )  # texts encoded under their mix, guidance, the denoiser

    def watch(self, step: int, watch: AttentionWatch) -> None:
        """Let somebody note what attention hears and sees at a step."""
        self._denoise.watch = step, watch

    def steps(self, before: Tensor | None) -> Generator[Step | Tile, None, Tensor]:
        """Yield the steps, and before them the tiles that a network enlarged; return the latents they end with.

        Args:
            before: The latents the pass before ended with.
        """
        latents: Tensor | None = None
        for step in self._begin(before):
            latents = step.latents if isinstance(step, Step) else latents
            yield step
        if latents is None:
            raise RenderError("the sampler took no step", remedy="Use more steps.")
        return latents

    def put_back(self, pictures: Sequence[Image.Image]) -> list[Image.Image]:
        """Return the pictures that this pass ended with, with what their masks keep laid over them."""
        return [
            picture if canvas is None else canvas.put_back(picture)
            for canvas, picture in zip(self._canvases, pictures, strict=True)
        ]

    def _begin(self, before: Tensor | None) -> Iterator[Step | Tile]:
        start = self._passes[0].start
        if isinstance(start, FromPassBefore):
            assert before is not None
            return self._from_pass(before, start)
        return self._from_pictures(start) if isinstance(start, FromPicture) else self._from_noise()

    def _from_noise(self) -> Iterator[Step]:
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
            tuned=model.family.schedule_table,
        )

    def _from_pass(self, latents: Tensor, start: FromPassBefore) -> Iterator[Step | Tile]:
        large = yield from self._enlarged(latents, start)
        yield from self._from(PictureStart(pictures=large, steps=course_of(self._settings.steps, start.hires.denoise)))

    def _enlarged(self, latents: Tensor, start: FromPassBefore) -> Generator[Tile, None, Tensor]:
        """Return latents (n, c, h, w) at the size of the second pass, each picture by itself.

        With a scale they are resized; with a size of another aspect ratio they cover it and are cropped, as in A1111.
        """
        hires, scale = start.hires, self._loaded.model.latent_scale
        upscaler = find_upscaler(hires.upscaler)
        high, wide = hires.height // scale, hires.width // scale
        crop = CenterCrop.covering((latents.shape[2], latents.shape[3]), (high, wide))
        height, width = crop.whole if hires.scale is None else crop.kept
        if upscaler.latent:
            large = upscale_latents(latents, upscaler, height=height, width=width)
        else:
            large = yield from self._enlarged_decoded(latents, start, height * scale, width * scale)
        top, left = crop.corner if hires.scale is None else (0, 0)
        return large[:, :, top : top + high, left : left + wide]

    def _enlarged_decoded(
        self, latents: Tensor, start: FromPassBefore, height: int, width: int
    ) -> Generator[Tile, None, Tensor]:
        """Return latents decoded, enlarged as pictures, and encoded again."""
        model, tiled = self._loaded.model, self._tiled
        small = torch.cat([model.decode(latent.unsqueeze(0), tiled=tiled) for latent in latents])
        enlarged = yield from enlarged_pictures(
            self._loaded.upscalers,
            small,
            start.hires.upscaler,
            start.upscaler,
            height=height,
            width=width,
            tile=self.tile,
        )
        self.tile = enlarged.tile
        encoded = [model.encode(picture.unsqueeze(0), tiled=tiled) for picture in enlarged.pictures]
        return torch.cat(encoded).to(latents.device)

    def _from_pictures(self, start: FromPicture) -> Iterator[Step]:
        masked = start.mask is not None
        return self._from(
            PictureStart(
                pictures=self._encoded(self._canvases),
                steps=start.steps,
                redrawn=self._redrawn() if masked else None,
                content=ORIGINAL if start.inpainting is None else start.inpainting.content,
                keeps=not self._loaded.model.inpaints,
                anew=start.anew,
            )
        )

    def _from(self, start: PictureStart) -> Iterator[Step]:
        model = self._loaded.model
        return resample(
            self._denoise,
            start,
            self._sampler,
            model.scheduler_config,
            self._settings.steps,
            self._noise,
            tuned=model.family.schedule_table,
        )

    def _redrawn(self) -> Tensor:
        """Return the latent cells that are drawn anew, 1 or 0, as (n, 1, h, w)."""
        model = self._loaded.model
        return torch.stack([_cells(one.settings, canvas, model.latent_scale) for one, canvas in self._drawn_on()]).to(
            model.device
        )

    def _told(self) -> Tensor:
        """Return what an inpainting model is told: the mask and the latents of the picture without what it covers.

        Rombach et al. 2022, arXiv:2112.10752, section 4.5; the order of the five channels is diffusers'. Without a mask
        all is drawn anew, and the picture is grey.
        """
        scale = self._loaded.model.latent_scale
        seen = []
        for one, canvas in self._drawn_on():
            height, width = one.settings.height // scale * scale, one.settings.width // scale * scale
            kept = torch.zeros(1, 1, height, width) if canvas is None else _kept(canvas)
            pixels = torch.zeros(1, height, width, 3, dtype=torch.uint8) if canvas is None else _pixels(canvas)
            seen.append(self._loaded.model.encode(pixels, tiled=self._tiled, kept=kept))
        latents = torch.cat(seen)
        return torch.cat([self._redrawn().to(latents), latents], dim=1)

    def _drawn_on(self) -> Iterator[tuple[Pass, Canvas | None]]:
        return zip(self._passes, self._canvases, strict=True)

    def _encoded(self, canvases: Sequence[Canvas | None]) -> Tensor:
        """Return the latents of the input pictures, each encoded by itself."""
        pictures = [_pixels(canvas) for canvas in canvases if canvas is not None]
        return torch.cat([self._loaded.model.encode(picture, tiled=self._tiled) for picture in pictures])


def canvas_at(start: object, settings: Settings) -> Canvas | None:
    """Return the input picture that a pass starts from, at the size of the pass.

    Raises:
        FileError: It, or its mask, cannot be read, or is another file than the one that is meant.
        RequestError: The mask covers nothing.
    """
    if not isinstance(start, FromPicture):
        return None
    return canvas_of(
        open_input(start.picture)[1],
        settings.width,
        settings.height,
        resize_mode=start.resize_mode,
        mask=None if start.mask is None else open_input(start.mask)[1],
        inpainting=start.inpainting,
    )


def _cells(settings: Settings, canvas: Canvas | None, scale: int) -> Tensor:
    if canvas is None:
        return torch.ones(1, settings.height // scale, settings.width // scale)
    return torch.from_numpy(canvas.redrawn(scale)).unsqueeze(0)


def _kept(canvas: Canvas) -> Tensor:
    """Return the pixels that are kept, 1 or 0, as (1, 1, H, W)."""
    return 1 - torch.from_numpy(canvas.redrawn()).view(1, 1, canvas.picture.height, canvas.picture.width)


def _pixels(canvas: Canvas) -> Tensor:
    return torch.from_numpy(np.array(canvas.picture)).unsqueeze(0)


def _noise(settings: Settings) -> NoiseSource:
    return NoiseSource(settings.seed, settings.subseed, settings.subseed_strength, rng=settings.rng)
