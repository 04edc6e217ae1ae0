"""Learning a slider: what the model says of two prompts, not pictures, is what the adapters shall add.

Source: Gandikota et al. 2023, "Concept Sliders" (arXiv:2311.12092), section 4.1. The paper learns at strength 1 from latents
that it half denoises for every step. Here strengths 1 and -1 take turns, so that both ends are learned, and latents are
those of pictures that the model drew once, with noise on them: a third of the passes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import torch
from torch import Tensor

from lora_mixer.errors import RequestError
from lora_mixer.models import PictureSize
from lora_mixer.trainer.dice import Dice
from lora_mixer.trainer.learner import Learner
from lora_mixer.trainer.noise import loss_of, noise_like, noised
from lora_mixer.trainer.slider_settings import SliderSettings

KEY = "lora_mixer.slider"
"""The metadata key under which a file says what slider it is."""


class SliderLesson:
    """The loss of a slider.

    Args:
        slider: Between what.
        latents: Of pictures that the model drew, (n, c, h, w), float32.
        batch: How many of them a step shows.
        size: Of a picture, (width, height) in pixels.

    Raises:
        RequestError: There is no picture.
    """

    def __init__(self, slider: SliderSettings, latents: Tensor, *, batch: int, size: tuple[int, int]) -> None:
        if not len(latents):
            raise RequestError("a slider needs a picture of the model's to begin with")
        self._slider, self._latents, self._batch = slider, latents, batch
        self._size = PictureSize(size[1], size[0], target=(size[1], size[0]))
        self._prompts = slider.prompts()

    @property
    def batches(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self._latents) // self._batch)

    def loss(self, learner: Learner, batch: int) -> Tensor:
        """Return how far the adapters are from the direction at strength 1 or -1."""
        settings, dice = learner.settings, Dice.of(learner.settings.seed, batch)
        strength, prompts = dice.choices.choice((-1.0, 1.0)), dice.choices.choice(self._prompts)
        chosen = torch.randint(len(self._latents), (self._batch,), generator=dice.noise)
        times = torch.randint(len(learner.shares), (self._batch,), generator=dice.noise)
        noise, shares = noise_like(self._latents[chosen], settings, dice.noise), learner.shares[times]
        shown = noised(self._latents[chosen], noise, shares)
        with torch.no_grad(), learner.on(0.0, train=False):
            said = [self._said(learner, shown, times, prompt) for prompt in prompts]
        target = directed(*said, eta=strength * self._slider.guidance)
        with learner.on(strength):
            predicted = self._said(learner, shown, times, prompts.neutral)
        return loss_of(predicted, target, settings, shares).mean()

    def _said(self, learner: Learner, shown: Tensor, times: Tensor, prompt: str) -> Tensor:
        """Return what the denoiser says of latents under a prompt: one call a prompt, so that equal ones are equal bit by bit."""
        return learner.predict(shown, times, [prompt] * len(shown), [self._size] * len(shown))

    def validation(self, learner: Learner) -> float | None:
        """Return None: nothing is held out."""
        del learner
        return None

    def facts(self) -> Mapping[str, str]:
        """Return what slider it is."""
        return {KEY: json.dumps(asdict(self._slider), ensure_ascii=False)}


def directed(neutral: Tensor, positive: Tensor, negative: Tensor, *, eta: float) -> Tensor:
    """Return e(c_t) + eta (e(c+) - e(c-)): eq. 7 of arXiv:2311.12092; with words to keep in all three, its eq. 8.

    The coefficients add up to 1, so that the same holds of v, which is linear in e.
    """
    return neutral + eta * (positive - negative)


def prompts_of(slider: SliderSettings) -> Sequence[str]:
    """Return the prompts of as many pictures as a slider is learned on: what is neutral, and both ends, in turn."""
    every = [prompt for prompts in slider.prompts() for prompt in prompts]
    return [every[number % len(every)] for number in range(slider.pictures)]
