"""What an adapter of a look learns: at any strength, the picture with the look in just that amount.

Each picture is learned with its caption and with none, from the same noise, because guidance (Ho & Salimans 2022,
arXiv:2207.12598, eq. 6) makes several of every fault that one of the two predictions has and the other has not. And the
target is ``v`` of the picture with the look, plus a part of what the base alone gets wrong about the same picture without it
from the same noise: all of it at strength 0, nothing at 1. On average that is nothing, but it takes most of the chance out of
the target at low strengths, and a slider starts at the base's own picture. For the same reason the difference of the two
predictions shall be the base's own at strength 0; at 1 it is smaller than without an adapter, as guidance makes contrasts of
its own in what is a matter of tones, edges and blocks.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

import torch
from torch import Tensor

from lora_mixer.trainer.dice import Dice
from lora_mixer.trainer.learner import Learner
from lora_mixer.trainer.noise import noised, target_of
from training.adapters.data import BESIDE, ShownLatents
from training.artwork import load_emoji
from training.captions import names_of
from training.diffusion import draw_times
from training.wearing import Wearing

LEAST_DIVISOR = 0.25
"""Losses are divided by the strength, as what there is to learn shrinks with it; below this no more."""


class LookLesson:
    """Batches of one strength each; a part of the time another adapter stands beside."""

    def __init__(self, shown: ShownLatents, partners: Wearing) -> None:
        """Take the encoded pictures, and the adapters that are finished."""
        self._shown, self._partners = shown, partners

    @property
    def batches(self) -> int:
        """As if each view were shown once an epoch."""
        return max(1, len(self._shown.views) // 16)

    def loss(self, learner: Learner, batch: int) -> Tensor:
        """Return the loss () of a batch by its number."""
        dice, count = Dice.of(learner.settings.seed, batch), learner.settings.batch
        shown = self._shown.batch(count, dice.choices)
        times = draw_times(count, dice.noise, power=0.8)
        noise = torch.randn(shown.latents.shape, generator=dice.noise)
        captions = [*[""] * count, *shown.captions]

        def error(latents: Tensor) -> Tensor:
            """What both predictions (2, n, ...) get wrong about latents under the noise."""
            shares = learner.shares[times]
            noisy = noised(latents, noise, shares).repeat(2, 1, 1, 1)
            guess = learner.predict(noisy, times.repeat(2), captions, ()).unflatten(0, (2, -1))
            return guess - target_of(latents, noise, shares, learner.prediction).to(guess)

        amount = min(1.0, abs(shown.strength))
        base_error = torch.zeros(())
        if amount < 1:
            with torch.no_grad(), learner.on(0):
                base_error = error(shown.plain)
        beside = {shown.beside: BESIDE} if shown.beside else {}
        with self._partners.on(beside), learner.on(shown.strength):
            own_error = error(shown.latents)
        recipe = self._shown.recipe
        return look_loss(
            own_error, base_error, amount, guidance_weight=recipe.guidance_weight, softened=recipe.softened
        )

    def validation(self, learner: Learner) -> float | None:  # noqa: ARG002 - as a lesson is asked
        """Measure nothing: `training.evaluate` does."""
        return None

    def facts(self) -> Mapping[str, str]:
        """How often each subject, and the trigger, stands for a picture."""
        recipe, emoji, shown = self._shown.recipe, load_emoji(), self._shown.views
        counts = Counter(names_of(emoji[view.row])[0] for view in shown)
        if recipe.trigger:
            counts[recipe.trigger] = len(shown)
        folder = f"1_{recipe.name}"
        return {
            "ss_num_train_images": str(len(shown)),
            "ss_num_reg_images": "0",
            "ss_tag_frequency": json.dumps({folder: dict(counts.most_common())}),
            "ss_dataset_dirs": json.dumps({folder: {"n_repeats": 1, "img_count": len(shown)}}),
        }


def look_loss(error: Tensor, base_error: Tensor, amount: float, *, guidance_weight: float, softened: float) -> Tensor:
    """What is to be made small at a strength of 0..1.

    Args:
        error: What the predictions without and with captions (2, N, ...) get wrong about pictures with the look.
        base_error: What the base alone gets wrong about the same pictures without it; not looked at at strength 1.
        amount: The strength without its sign.
        guidance_weight: How much the difference that guidance enlarges counts at strength 0; nothing at 1.
        softened: What guidance adds to 1 where the picture at strength 1 is the right one.

    """
    rest = 1 - amount
    without, named = error - rest * base_error
    guided = without + (1 + softened * amount) * (named - without)
    kept = (error - base_error).diff(dim=0)
    level = (without.square() + guided.square()).mean() / 2
    return (level + guidance_weight * rest * kept.square().mean()) / max(amount, LEAST_DIVISOR)
