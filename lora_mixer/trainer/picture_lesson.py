"""Learning from pictures with captions: noise is put on latents, and the denoiser shall say which."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lora_mixer.errors import RequestError
from lora_mixer.models import PictureSize
from lora_mixer.trainer.buckets import Bucket
from lora_mixer.trainer.captions import CaptionRules
from lora_mixer.trainer.dataset import Dataset, Example
from lora_mixer.trainer.dice import Dice
from lora_mixer.trainer.learner import Learner
from lora_mixer.trainer.noise import loss_of, noise_like, noised, target_of, weights_of
from lora_mixer.trainer.order import Order
from lora_mixer.trainer.pictures import Encoded
from lora_mixer.trainer.settings import TrainSettings

VALIDATED_AT = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Shares of the timesteps at which held-out pictures are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture as it is learned."""

    example: Example
    encoded: Encoded
    bucket: Bucket

    @property
    def size(self) -> PictureSize:
        """What SDXL is told of it."""
        return PictureSize(
            self.example.height,
            self.example.width,
            top=self.encoded.crop[0],
            left=self.encoded.crop[1],
            target=(self.bucket.height, self.bucket.width),
        )


class PictureLesson:
    """The diffusion loss of pictures, each batch of one bucket.

    Args:
        settings: How to train.
        shown: The pictures by number.
        held_out: Pictures that are only measured.
        data: The folder they are from, for the file's metadata.

    Raises:
        RequestError: There is no picture.
    """

    def __init__(
        self,
        settings: TrainSettings,
        shown: Mapping[int, Shown],
        held_out: Sequence[Shown] = (),
        *,
        data: Dataset | None = None,
    ) -> None:
        if not shown:
            raise RequestError("there is no picture to train on")
        self._shown, self._held_out, self._data = dict(shown), tuple(held_out), data
        self._settings = settings
        self.order = Order(list(_by_bucket(self._shown).values()), settings.batch, settings.seed)

    @property
    def batches(self) -> int:
        """How many batches an epoch has."""
        return self.order.batches

    def loss(self, learner: Learner, batch: int) -> Tensor:
        """Return the mean loss of a batch; everything random in it follows from the seed and the number."""
        settings, dice = learner.settings, Dice.of(learner.settings.seed, batch)
        shown = [self._shown[number] for number in self.order.at(batch)]
        flips = [settings.flip and dice.choices.random() < 0.5 for _ in shown]
        pairs = list(zip(shown, flips, strict=True))
        latents = torch.stack([one.encoded.drawn(dice.noise, flipped=flip) for one, flip in pairs])
        times = torch.randint(len(learner.shares), (len(shown),), generator=dice.noise)
        noise = noise_like(latents, settings, dice.noise)
        captions = [rules_of(settings, one.example).drawn(one.example.caption, dice.choices) for one in shown]
        shares = learner.shares[times]
        with learner.on():
            predicted = learner.predict(noised(latents, noise, shares), times, captions, [one.size for one in shown])
        target = target_of(latents, noise, shares, learner.prediction).to(predicted.device)
        each = _mean_of(
            loss_of(predicted, target, settings, shares), [one.encoded.mask_of(flipped=flip) for one, flip in pairs]
        )
        prior = torch.tensor([settings.prior_weight if one.example.regularises else 1.0 for one in shown])
        weights = prior * weights_of(shares, settings, learner.prediction)
        return (each * weights.to(each.device)).mean()

    @torch.no_grad()
    def validation(self, learner: Learner) -> float | None:
        """Return the mean loss of the held-out pictures, the same noise and timesteps each time; None without any."""
        if not self._held_out:
            return None
        with learner.on(train=False):
            losses = [self._validated(learner, number, one) for number, one in enumerate(self._held_out)]
        return sum(losses) / len(losses)

    def _validated(self, learner: Learner, number: int, one: Shown) -> float:
        settings, count = learner.settings, len(VALIDATED_AT)
        latents = one.encoded.mean[:1].expand(count, -1, -1, -1)
        times = torch.tensor([int(share * (len(learner.shares) - 1)) for share in VALIDATED_AT])
        noise = torch.randn(latents.shape, generator=Dice.of(settings.seed, f"validation:{number}").noise)
        shares = learner.shares[times]
        captions = [settings.captions.whole(one.example.caption)] * count
        predicted = learner.predict(noised(latents, noise, shares), times, captions, [one.size] * count)
        target = target_of(latents, noise, shares, learner.prediction).to(predicted)
        return (predicted - target).square().mean().item()

    def facts(self) -> Mapping[str, str]:
        """Return kohya's fields of a data set."""
        if self._data is None:
            return {}
        learned = sum(one.repeats for one in self._data.examples if not one.regularises)
        return {
            "ss_num_train_images": str(learned),
            "ss_num_reg_images": str(self._data.shown - learned),
            "ss_enable_bucket": str(not self._settings.crop),
            "ss_tag_frequency": json.dumps(self._data.tag_frequency(), ensure_ascii=False),
            "ss_dataset_dirs": json.dumps(self._data.folders(), ensure_ascii=False),
        }


def rules_of(settings: TrainSettings, example: Example) -> CaptionRules:
    """Return how a picture's caption varies; the trigger is no word for what the model knew before."""
    rules = settings.captions
    return replace(rules, trigger=None) if example.regularises else rules


def _by_bucket(shown: Mapping[int, Shown]) -> dict[Bucket, list[int]]:
    found: dict[Bucket, list[int]] = {}
    for number, one in shown.items():
        found.setdefault(one.bucket, []).extend([number] * one.example.repeats)
    return found


def _mean_of(losses: Tensor, masks: Sequence[Tensor | None]) -> Tensor:
    """Return each picture's mean loss (n,), over what its mask leaves."""
    if not any(mask is not None for mask in masks):
        return losses.mean((1, 2, 3))
    ones = torch.ones(1, *losses.shape[2:])
    weight = torch.stack([ones if mask is None else mask for mask in masks]).to(losses)
    whole = weight.sum((1, 2, 3)) * losses.shape[1]
    means: Tensor = (losses * weight).sum((1, 2, 3)) / whole.clamp(min=1e-6)
    return means
