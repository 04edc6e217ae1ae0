"""A training from a folder of pictures to a file."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lora_mixer.mixer import BaseMixer
from lora_mixer.models import Model
from lora_mixer.trainer.buckets import Bucket, bucket_for, buckets_of
from lora_mixer.trainer.checks import check
from lora_mixer.trainer.dataset import Dataset, Example
from lora_mixer.trainer.devices import devices_in_use
from lora_mixer.trainer.learning import TrainResult, learn, run_folder
from lora_mixer.trainer.picture_lesson import PictureLesson, Shown
from lora_mixer.trainer.pictures import LatentCache
from lora_mixer.trainer.settings import TrainSettings
from lora_mixer.trainer.watch import Watch

LATENTS = "latents"


def train(
    model: Model | BaseMixer,
    folder: Path,
    output: Path,
    settings: TrainSettings,
    *,
    regularisation: Path | None = None,
    anew: bool = False,
    watch: Watch | None = None,
) -> TrainResult:
    """Train a LoRA on a folder of pictures, or go on where an earlier call of the same training ended.

    Args:
        model: The open model, plain, or the mixer whose model it is; samples need the mixer.
        folder: The pictures; see `lora_mixer.trainer.dataset`.
        output: The `.safetensors` file to write.
        settings: How to train.
        regularisation: A folder of pictures that keep what the model knew.
        anew: Begin again, whatever state there is.
        watch: Whom to tell.

    Raises:
        RequestError: A setting is impossible, or the state beside the output is of another training.
        FileError: A folder or file cannot be used, or the disk is full; the last state is whole.
        RenderError: The loss is no longer finite.
        CancelledError: `watch.cancelled` said so; the state is saved.
    """
    watch, devices = watch or Watch(), devices_in_use()
    data = check(folder, output, settings, regularisation=regularisation)
    plain = model.model if isinstance(model, BaseMixer) else model
    with devices.leading_first():
        shown, left_out = _encoded(plain, data, settings, run_folder(output) / LATENTS, watch)
    if devices.leads:
        for path, why in left_out.items():
            watch.say(f"left out: {path}: {why}")
    apart = _held_out([number for number, one in shown.items() if not one.example.regularises], settings)
    learned = {number: one for number, one in shown.items() if number not in apart}
    lesson = PictureLesson(settings, learned, [shown[number] for number in apart], data=data)
    what = [_told(shown[number].example) for number in sorted(learned)]
    made = learn(model, lesson, output, settings, what=what, anew=anew, watch=watch, devices=devices)
    return replace(made, left_out=left_out)


def _encoded(
    model: Model, data: Dataset, settings: TrainSettings, folder: Path, watch: Watch
) -> tuple[dict[int, Shown], dict[Path, str]]:
    """Return the pictures by number, and what cannot be used."""
    resolution = settings.resolution or min(model.native_size)
    step = min(settings.bucket_step, resolution // 2 // 8 * 8)
    square = (Bucket(width=resolution, height=resolution),)
    buckets = square if settings.crop else buckets_of(resolution, step=max(step, 8))
    placed = {
        number: (example, bucket_for(example.width, example.height, buckets))
        for number, example in enumerate(data.examples)
    }
    latents, broken = LatentCache(model, folder, flip=settings.flip).encode(
        placed, on_picture=watch.on_picture, cancelled=watch.cancelled
    )
    left_out = {**data.left_out, **{data.examples[number].path: why for number, why in broken.items()}}
    shown = {
        number: Shown(example=placed[number][0], encoded=encoded, bucket=placed[number][1])
        for number, encoded in latents.items()
    }
    return shown, left_out


def _held_out(numbers: list[int], settings: TrainSettings) -> list[int]:
    count = max(round(len(numbers) * settings.validation), 1) if settings.validation else 0
    mixed = random.Random(settings.seed).sample(numbers, len(numbers))  # noqa: S311 - a choice of pictures, no secret
    return sorted(mixed[: min(count, len(numbers) - 1)])


def _told(example: Example) -> Mapping[str, object]:
    """Return what of a picture decides a training's numbers."""
    return {
        "content": hashlib.sha256(example.path.read_bytes()).hexdigest(),
        "caption": example.caption,
        "repeats": example.repeats,
        "regularises": example.regularises,
        "mask": example.mask is not None,
    }
