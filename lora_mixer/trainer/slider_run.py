"""A training from two prompts to a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from lora_mixer.errors import CancelledError, RequestError
from lora_mixer.export.writing import write_tensors
from lora_mixer.images import make_folder
from lora_mixer.mixer import BaseMixer
from lora_mixer.request import RenderRequest
from lora_mixer.trainer.checks import check_output
from lora_mixer.trainer.learning import TrainResult, learn, run_folder
from lora_mixer.trainer.settings import TrainSettings
from lora_mixer.trainer.slider_lesson import SliderLesson, prompts_of
from lora_mixer.trainer.slider_settings import SliderSettings
from lora_mixer.trainer.watch import Watch

DRAWN = "drawn.safetensors"
"""The latents of what the model drew, beside the state."""


def train_slider(
    mixer: BaseMixer, output: Path, settings: TrainSettings, *, anew: bool = False, watch: Watch | None = None
) -> TrainResult:
    """Train a slider, or go on where an earlier call of the same training ended.

    Args:
        mixer: Whose model is trained, and draws what it learns on.
        output: The `.safetensors` file to write.
        settings: How to train; `slider` says between what.
        anew: Begin again, whatever state there is.
        watch: Whom to tell.

    Raises:
        RequestError: A setting is impossible, or the state beside the output is of another training.
        FileError: The disk is full; the last state is whole.
        RenderError: The loss is no longer finite.
        CancelledError: `watch.cancelled` said so; the state is saved.
    """
    slider, watch = settings.slider, watch or Watch()
    if slider is None:
        raise RequestError("the settings have no slider", remedy='Write slider = { positive = "..", negative = ".." }.')
    slider.check()
    check_output(output)
    side = settings.resolution
    size = mixer.native_size if side is None else (side, side)
    latents = _drawn(mixer, slider, settings, size, make_folder(run_folder(output)) / DRAWN, watch)
    lesson = SliderLesson(slider, latents, batch=settings.batch, size=size)
    return learn(mixer, lesson, output, settings, what=["slider", asdict(slider)], anew=anew, watch=watch)


def _drawn(
    mixer: BaseMixer, slider: SliderSettings, settings: TrainSettings, size: tuple[int, int], path: Path, watch: Watch
) -> Tensor:
    """Return the latents (n, c, h, w) of pictures that the model draws, or drew for an earlier call of the same training."""
    key = _key(mixer, slider, settings, size)
    with suppress(OSError, SafetensorError), safe_open(path, "pt") as file:
        if (file.metadata() or {}).get("key") == key:
            kept: Tensor = file.get_tensor("latents")
            return kept
    latents = torch.cat(list(_encoded(mixer, slider, settings, size, watch)))
    write_tensors(path, {"latents": latents}, {"key": key})
    return latents


def _encoded(
    mixer: BaseMixer, slider: SliderSettings, settings: TrainSettings, size: tuple[int, int], watch: Watch
) -> Iterator[Tensor]:
    requests = [
        RenderRequest(
            prompt=prompt,
            seed=(settings.seed + number) % 2**32,
            steps=slider.steps,
            width=size[0],
            height=size[1],
            upscale=1,
            model=mixer.model.name,
        )
        for number, prompt in enumerate(prompts_of(slider))
    ]
    for done, picture in enumerate(mixer.render_many(requests), start=1):
        if watch.cancelled():
            raise CancelledError("cancelled while pictures were drawn", remedy="The same command begins again.")
        pixels = torch.from_numpy(np.asarray(picture.image).copy())[None]
        yield mixer.model.encoded(pixels)[0]
        watch.on_picture(done, len(requests))


def _key(mixer: BaseMixer, slider: SliderSettings, settings: TrainSettings, size: tuple[int, int]) -> str:
    told = [mixer.model.digest, mixer.model.vae_digest, asdict(slider), settings.seed, size]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
