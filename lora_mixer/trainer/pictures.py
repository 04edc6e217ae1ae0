"""Pictures as latents: cut to their bucket, encoded once, kept on disk with mean and deviation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Generator, Tensor

from lora_mixer.errors import CancelledError, FileError
from lora_mixer.models import Model
from lora_mixer.trainer.buckets import Bucket, crop_for
from lora_mixer.trainer.dataset import Example

FORM = "2"
"""Of what is kept; another is encoded again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """A picture in latent space.

    Attributes:
        mean: (1 or 2, c, h, w), float32: of the picture, and, if some are mirrored, of its mirror image.
        deviation: Likewise.
        mask: (1, h, w): what counts; None counts all.
        crop: (top, left), in pixels, of what was cut off.
    """

    mean: Tensor
    deviation: Tensor
    mask: Tensor | None
    crop: tuple[int, int]

    def drawn(self, generator: Generator, *, flipped: bool) -> Tensor:
        """Return one latent (c, h, w) drawn from the encoder's distribution."""
        mean, deviation = self.mean[int(flipped)], self.deviation[int(flipped)]
        return mean + deviation * torch.randn(mean.shape, generator=generator)

    def mask_of(self, *, flipped: bool) -> Tensor | None:
        """Return what counts (1, h, w), as the picture is turned."""
        return self.mask.flip(-1) if self.mask is not None and flipped else self.mask


def cut(picture: Image.Image, bucket: Bucket) -> tuple[Image.Image, tuple[int, int]]:
    """Return a picture at its bucket's size, and what was cut off at (top, left)."""
    crop = crop_for(*picture.size, bucket)
    resized = picture.resize((crop.width, crop.height), Image.Resampling.LANCZOS)
    box = (crop.left, crop.top, crop.left + bucket.width, crop.top + bucket.height)
    return resized.crop(box), (crop.top, crop.left)


class LatentCache:
    """Encodes pictures once.

    Args:
        model: Whose VAE encodes.
        folder: Where latents are kept; they are found by what went into them, so the folder may be shared.
        flip: Whether mirror images are wanted as well.
    """

    def __init__(self, model: Model, folder: Path, *, flip: bool = False) -> None:
        self._model, self._folder, self._flip = model, folder, flip
        self._vae = model.vae_digest or model.digest

    def encode(
        self,
        examples: Mapping[int, tuple[Example, Bucket]],
        *,
        on_picture: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> tuple[dict[int, Encoded], dict[int, str]]:
        """Return the latents of examples by their numbers, and by number why a picture cannot be used.

        Raises:
            FileError: The folder cannot be written.
            CancelledError: `cancelled` said so.
        """
        found: dict[int, Encoded] = {}
        broken: dict[int, str] = {}
        for done, (number, (example, bucket)) in enumerate(examples.items(), 1):
            if cancelled():
                raise CancelledError("cancelled while pictures were encoded", remedy="Those that were are kept.")
            try:
                found[number] = self._one(example, bucket)
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
                broken[number] = f"it cannot be decoded ({str(error).splitlines()[0][:200] if str(error) else error})"
            if on_picture is not None:
                on_picture(done, len(examples))
        return found, broken

    def _one(self, example: Example, bucket: Bucket) -> Encoded:
        path = self._folder / f"{self._key(example, bucket)}.safetensors"
        with suppress(OSError, SafetensorError, KeyError):
            kept = load_file(path)
            top, left = kept["crop"].tolist()
            return Encoded(
                mean=kept["mean"], deviation=kept["deviation"], mask=kept.get("mask"), crop=(int(top), int(left))
            )
        encoded = self._encoded(example, bucket)
        tensors = {"mean": encoded.mean, "deviation": encoded.deviation, "crop": torch.tensor(encoded.crop)}
        if encoded.mask is not None:
            tensors["mask"] = encoded.mask
        part = path.with_suffix(".part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            save_file({name: value.contiguous() for name, value in tensors.items()}, part)
            part.replace(path)
        except (OSError, SafetensorError) as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise FileError(
                f"latents cannot be kept: {error}", where=str(self._folder), remedy="Make room on the disk."
            ) from error
        return encoded

    def _key(self, example: Example, bucket: Bucket) -> str:
        digest = hashlib.sha256(f"{FORM}:{self._vae}:{bucket.width}x{bucket.height}:{self._flip}:".encode())
        for path in (example.path, example.mask):
            digest.update(b"-" if path is None else hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def _encoded(self, example: Example, bucket: Bucket) -> Encoded:
        with Image.open(example.path) as opened:
            upright = ImageOps.exif_transpose(opened)
            picture, crop = cut(_on_white(upright), bucket)
        values = torch.from_numpy(np.asarray(picture).copy())
        mean, deviation = self._model.encoded(torch.stack([values, values.flip(1)] if self._flip else [values]))
        mask = None
        if example.mask is not None:
            with Image.open(example.mask) as opened:
                shown, _ = cut(opened.convert("L").resize(upright.size), bucket)
            small = shown.resize((mean.shape[-1], mean.shape[-2]), Image.Resampling.BOX)
            mask = torch.from_numpy(np.asarray(small).copy()).float()[None] / 255
        return Encoded(mean=mean, deviation=deviation, mask=mask, crop=crop)


def _on_white(picture: Image.Image) -> Image.Image:
    """Return a picture in colours; what is transparent in it is white."""
    if picture.mode not in {"RGBA", "LA", "PA"} and "transparency" not in picture.info:
        return picture.convert("RGB")
    layered = picture.convert("RGBA")
    white = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(white, layered).convert("RGB")
