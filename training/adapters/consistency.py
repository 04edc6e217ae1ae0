"""What the few-step adapter learns: the base's guided path to a picture, in one leap from anywhere on it.

Latent consistency distillation (Luo et al. 2023, arXiv:2310.04378, algorithm 1; as a LoRA: arXiv:2311.05556). The model
without the adapter is the teacher, the model with it the student; its own answer nearer to the picture is the target, without
a running average, as the LoRA paper has it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import torch
from torch import Tensor

from lora_mixer.trainer.dice import Dice
from lora_mixer.trainer.learner import Learner
from lora_mixer.trainer.noise import noised
from training.base import Looks

GUIDANCE = 3.0
"""The teacher's guidance; with the adapter none is needed."""

LEAP = 100
"""Timesteps between a latent and the next on the teacher's path: 10 solver steps in all."""

SCALING, SIGMA_DATA = 10.0, 0.5
"""Of the consistency function's boundary (appendix of the paper; diffusers' `LCMScheduler` has the same)."""

HUBER = 1e-3


class ConsistencyLesson:
    """Batches of the base's own pictures, with their captions."""

    def __init__(self, data: Looks) -> None:
        """Take the latents the base was trained on."""
        self._data = data

    @property
    def batches(self) -> int:
        """As if each latent were shown once an epoch."""
        return max(1, len(self._data.latents) // 16)

    def loss(self, learner: Learner, batch: int) -> Tensor:
        """Return the loss () of a batch by its number."""
        dice, count = Dice.of(learner.settings.seed, batch), learner.settings.batch
        rows, captions = self._data.draw(count, dice.choices, empty=0)
        latents = self._data.latents[rows]
        noise = torch.randn(latents.shape, generator=dice.noise)
        times = torch.randint(1, len(learner.shares) // LEAP + 1, (count,), generator=dice.noise) * LEAP - 1
        before = (times - LEAP).clamp(min=0)
        noisy = noised(latents, noise, learner.shares[times])
        with torch.no_grad():
            with learner.on(0):
                nearer = guided_step(learner, noisy, times, before, captions)
            with learner.on():
                target = consistent(learner, nearer, before, captions)
        with learner.on():
            guess = consistent(learner, noisy, times, captions)
        return ((guess - target).square() + HUBER**2).sqrt().mean() - HUBER

    def validation(self, learner: Learner) -> float | None:  # noqa: ARG002 - as a lesson is asked
        """Measure nothing: `training.evaluate` does."""
        return None

    def facts(self) -> Mapping[str, str]:
        """How many pictures there are."""
        return {"ss_num_train_images": str(len(self._data.latents)), "ss_tag_frequency": json.dumps({})}


def levels(learner: Learner, times: Tensor) -> tuple[Tensor, Tensor]:
    """Signal and noise ``a, s`` (n, 1, 1, 1) of timesteps."""
    shares = learner.shares[times][:, None, None, None]
    return shares.sqrt(), (1 - shares).sqrt()


def guided_step(learner: Learner, noisy: Tensor, times: Tensor, after: Tensor, captions: list[str]) -> Tensor:
    """One step of DDIM (Song et al. 2021, eq. 12, without noise) along the guided prediction of ``v``."""
    named = [*[""] * len(captions), *captions]
    both = learner.predict(noisy.repeat(2, 1, 1, 1), times.repeat(2), named, ())
    without, wanted = both.chunk(2)
    v = without + GUIDANCE * (wanted - without)
    (a, s), (a_after, s_after) = levels(learner, times), levels(learner, after)
    return a_after * (a * noisy - s * v) + s_after * (s * noisy + a * v)


def consistent(learner: Learner, noisy: Tensor, times: Tensor, captions: list[str]) -> Tensor:
    """The consistency function ``f(z, t) = c_skip z + c_out x``, x the clean latent that ``v`` says (eq. 9)."""
    v = learner.predict(noisy, times, captions, ())
    a, s = levels(learner, times)
    scaled = (times * SCALING)[:, None, None, None]
    skip = SIGMA_DATA**2 / (scaled**2 + SIGMA_DATA**2)
    out = scaled / (scaled**2 + SIGMA_DATA**2).sqrt()
    return skip * noisy + out * (a * noisy - s * v)
