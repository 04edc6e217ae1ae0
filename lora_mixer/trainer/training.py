"""One training: a model, adapters on it, an optimizer, and a step that hangs on nothing but its number."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from lora_mixer.conditioning import Conditioner, TextEmbeds, repeat_to_common_length
from lora_mixer.errors import RenderError, RequestError
from lora_mixer.models import DenoiserInputs, Model, PictureSize
from lora_mixer.modules import DENOISER
from lora_mixer.prompt import Words
from lora_mixer.sampling import signal_shares
from lora_mixer.trainer.buckets import Bucket
from lora_mixer.trainer.dataset import Example
from lora_mixer.trainer.layers import name_of, numbers_by_rate, trainable
from lora_mixer.trainer.noise import loss_of, noise_like, noised, target_of, weights_of
from lora_mixer.trainer.optimizers import averages_its_weights, optimizer_for, rate_factor
from lora_mixer.trainer.order import Order
from lora_mixer.trainer.pictures import Encoded
from lora_mixer.trainer.settings import TrainSettings

KEPT_TEXTS = 4096
VALIDATED_AT = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Shares of the timesteps at which held-out pictures are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture as it is learned."""

    example: Example
    encoded: Encoded
    bucket: Bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """How a step went.

    Attributes:
        step: Its number, from 1.
        of: How many there are.
        epoch: From 1.
        loss: Its mean loss.
        rate: The denoiser's learning rate.
    """

    step: int
    of: int
    epoch: int
    loss: float
    rate: float


class Training:
    """A LoRA in training.

    Args:
        model: The open model, plain: without kernels that stop gradients. Its weights are frozen and never written.
        settings: How to train.
        shown: The pictures by number.
        held_out: Pictures that are only measured.

    Raises:
        RequestError: No layer is meant, or the optimizer is not there.
    """

    def __init__(
        self, model: Model, settings: TrainSettings, shown: Mapping[int, Shown], held_out: Sequence[Shown] = ()
    ) -> None:
        if not shown:
            raise RequestError("there is no picture to train on")
        self.model, self.settings, self.done = model, settings, 0
        self._shown, self._held_out = dict(shown), tuple(held_out)
        self.adapters = trainable(model, settings, Generator().manual_seed(settings.seed))
        self.adapters.to(model.device)
        self.optimizer = optimizer_for(settings, numbers_by_rate(self.adapters, settings))
        self._rates = [float(group["lr"]) for group in self.optimizer.param_groups]
        self._order = Order(list(self._buckets().values()), settings.batch, settings.seed)
        self._shares = signal_shares(model.scheduler_config)
        self._conditioner = Conditioner(model)
        self._texts: dict[str, TextEmbeds] = {}
        self._learns_text = any(name_of(name).part != DENOISER for name in self.adapters.names)

    @property
    def epochs(self) -> int:
        """How many epochs there are, begun ones counted."""
        return -(-self.settings.steps * self.settings.accumulate // self._order.batches)

    @property
    def batches(self) -> int:
        """How many batches an epoch has."""
        return self._order.batches

    def _buckets(self) -> dict[Bucket, list[int]]:
        found: dict[Bucket, list[int]] = {}
        for number, one in self._shown.items():
            found.setdefault(one.bucket, []).extend([number] * one.example.repeats)
        return found

    def step(self) -> StepReport:
        """Take one optimizer step.

        Raises:
            RenderError: The loss is no longer finite; nothing was changed by this step.
        """
        settings, step = self.settings, self.done
        factor = rate_factor(settings, step)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        averages_its_weights(self.optimizer, train=True)
        total, epoch = 0.0, 0
        for part in range(settings.accumulate):
            epoch, numbers = self._order.at(step * settings.accumulate + part)
            loss = self._loss([self._shown[number] for number in numbers], f"{settings.seed}:{step}:{part}")
            total += float(loss.detach()) / settings.accumulate
            (loss / settings.accumulate).backward()  # type: ignore[no-untyped-call]
        self._update(total)
        self.done += 1
        return StepReport(
            step=self.done, of=settings.steps, epoch=epoch + 1, loss=total, rate=self.optimizer.param_groups[0]["lr"]
        )

    def _update(self, loss: float) -> None:
        if not loss < float("inf"):
            self.optimizer.zero_grad(set_to_none=True)
            raise RenderError(
                f"the loss of step {self.done + 1} is not finite",
                remedy="Lower the rate, or train in float32; the last checkpoint is whole.",
            )
        if self.settings.clip:
            nn.utils.clip_grad_norm_(self.adapters.parameters(), self.settings.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def _loss(self, shown: Sequence[Shown], seed: str) -> Tensor:
        """Return the mean loss of a batch; everything random in it follows from the seed."""
        settings, device = self.settings, self.model.device
        rng, generator = random.Random(seed), _generator(seed)  # noqa: S311 - training noise, no secret
        flips = [settings.flip and rng.random() < 0.5 for _ in shown]
        latents = torch.stack(
            [one.encoded.drawn(generator, flipped=flip) for one, flip in zip(shown, flips, strict=True)]
        )
        times = torch.randint(len(self._shares), (len(shown),), generator=generator)
        noise = noise_like(latents, settings, generator)
        captions = [settings.captions.drawn(one.example.caption, rng) for one in shown]
        shares = self._shares[times]
        with self._on(train=True):
            predicted = self._predict(noised(latents, noise, shares), times, captions, shown)
        target = target_of(latents, noise, shares, self.model.prediction).to(device)
        losses = loss_of(predicted, target, settings)
        masks = [one.encoded.mask_of(flipped=flip) for one, flip in zip(shown, flips, strict=True)]
        each = _mean_of(losses, masks)
        prior = torch.tensor([settings.prior_weight if one.example.regularises else 1.0 for one in shown])
        weights = prior * weights_of(shares, settings, self.model.prediction)
        return (each * weights.to(device)).mean()

    @contextmanager
    def _on(self, *, train: bool) -> Iterator[None]:
        """Let the adapters act, in the precision asked for."""
        settings, kind = self.settings, self.model.device.type
        precision = getattr(torch, settings.precision)
        computes = torch.autocast(kind, precision, enabled=precision != torch.float32)
        network = self.model.parts[DENOISER]
        checkpointed = train and settings.gradient_checkpointing
        with computes, self.adapters.on(dropout=settings.dropout if train else 0.0):
            if checkpointed:
                network.enable_gradient_checkpointing()  # type: ignore[operator]
                network.train()
            try:
                yield
            finally:
                if checkpointed:
                    network.disable_gradient_checkpointing()  # type: ignore[operator]
                    network.eval()

    def _predict(self, latents: Tensor, times: Tensor, captions: Sequence[str], shown: Sequence[Shown]) -> Tensor:
        device, dtype = self.model.device, self.model.dtype
        tokens, pooled = repeat_to_common_length([self._text(caption) for caption in captions])
        sizes = (
            PictureSize(
                one.example.height,
                one.example.width,
                top=one.encoded.crop[0],
                left=one.encoded.crop[1],
                target=(one.bucket.height, one.bucket.width),
            )
            for one in shown
        )
        inputs = DenoiserInputs(
            latents=latents.to(device, dtype),
            timestep=times.to(device),
            tokens=tokens,
            pooled=pooled,
            sizes=tuple(sizes),
        )
        predicted = self.model.denoiser(inputs)
        return predicted.float()

    def _text(self, caption: str) -> TextEmbeds:
        pieces = (Words(text=caption, weight=1.0),)
        if self._learns_text:
            return self._conditioner.embed(pieces)
        if caption not in self._texts:
            if len(self._texts) >= KEPT_TEXTS:
                self._texts.pop(next(iter(self._texts)))
            self._texts[caption] = self._conditioner.encode(pieces)
        return self._texts[caption]

    @torch.no_grad()
    def validate(self) -> float | None:
        """Return the mean loss of the held-out pictures, the same noise and timesteps each time; None without any."""
        if not self._held_out:
            return None
        averages_its_weights(self.optimizer, train=False)
        losses = []
        with self._on(train=False):
            for number, one in enumerate(self._held_out):
                generator = _generator(f"{self.settings.seed}:validation:{number}")
                latents = one.encoded.mean[:1].expand(len(VALIDATED_AT), -1, -1, -1)
                times = torch.tensor([int(share * (len(self._shares) - 1)) for share in VALIDATED_AT])
                noise = torch.randn(latents.shape, generator=generator)
                shares = self._shares[times]
                captions = [self.settings.captions.whole(one.example.caption)] * len(times)
                predicted = self._predict(noised(latents, noise, shares), times, captions, [one] * len(times))
                target = target_of(latents, noise, shares, self.model.prediction).to(predicted)
                losses.append((predicted - target).square().mean().item())
        return sum(losses) / len(losses)

    def finished(self) -> None:
        """Leave the weights as they are to be used, where an optimizer keeps two sets."""
        averages_its_weights(self.optimizer, train=False)


def _mean_of(losses: Tensor, masks: Sequence[Tensor | None]) -> Tensor:
    """Return each picture's mean loss (n,), over what its mask leaves."""
    if not any(mask is not None for mask in masks):
        return losses.mean((1, 2, 3))
    ones = torch.ones(1, *losses.shape[2:])
    weight = torch.stack([ones if mask is None else mask for mask in masks]).to(losses)
    whole = weight.sum((1, 2, 3)) * losses.shape[1]
    means: Tensor = (losses * weight).sum((1, 2, 3)) / whole.clamp(min=1e-6)
    return means


def _generator(seed: str) -> Generator:
    return Generator().manual_seed(random.Random(seed).getrandbits(63))  # noqa: S311 - training noise, no secret
