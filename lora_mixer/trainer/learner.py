"""A model with adapters that learn: what a lesson asks its predictions of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor
from torch.utils.checkpoint import checkpoint

from lora_mixer.conditioning import Conditioner, TextEmbeds, repeat_to_common_length
from lora_mixer.kernels.attention import attention_swaps
from lora_mixer.models import DenoiserInputs, Model, PictureSize
from lora_mixer.modules import DENOISER
from lora_mixer.prompt import Words
from lora_mixer.sampling import signal_shares
from lora_mixer.trainer.caption_cache import CaptionCache
from lora_mixer.trainer.layers import name_of, trainable
from lora_mixer.trainer.settings import TrainSettings


class Learner:
    """A model with fresh adapters on the layers that the settings mean.

    Args:
        model: The open model, plain: without kernels that stop gradients. Its weights are frozen and never written.
        settings: How to train.
        texts: Where captions' conditioning is kept; None keeps it in memory alone.

    Raises:
        RequestError: No layer is meant.

    Attributes:
        adapters: What learns.
        prediction: What the denoiser answers: `epsilon` or `v_prediction`.
        shares: Which share of the signal is left at each timestep (steps,); see `lora_mixer.trainer.noise`.
    """

    def __init__(self, model: Model, settings: TrainSettings, texts: Path | None = None) -> None:
        self.model, self.settings = model, settings
        self.adapters = trainable(model, settings, Generator().manual_seed(settings.seed))
        self.adapters.to(model.device)
        self.prediction = model.prediction
        self.shares = signal_shares(model.scheduler_config)
        self._conditioner = Conditioner(model)
        self._swaps = tuple(attention_swaps(model.parts[DENOISER]))
        key = ":".join((model.digest, str(model.dtype), model.device.type, settings.precision))
        self._texts = CaptionCache(self._conditioner, key, model.device, texts)
        self._learns_text = any(name_of(name).part != DENOISER for name in self.adapters.names)

    @contextmanager
    def on(self, strength: float = 1.0, *, train: bool = True) -> Iterator[None]:
        """Let the adapters act inside the block, in the precision asked for.

        Args:
            strength: How strongly; 0 is exactly the model.
            train: Whether ranks are dropped and activations computed again, as the settings say.
        """
        settings, kind = self.settings, self.model.device.type
        precision = getattr(torch, settings.precision)
        computes = torch.autocast(kind, precision, enabled=precision != torch.float32)
        adapted = partial(self.adapters.on, strength, dropouts=settings.dropouts if train else None)
        with (
            computes,
            self._attending(),
            adapted(),
            self._checkpointed(adapted, on=train and settings.gradient_checkpointing),
        ):
            yield

    @contextmanager
    def _attending(self) -> Iterator[None]:
        """Let the denoiser attend by the kernel that renders, whose gradient is faster than torch's."""
        for swap in self._swaps:
            swap.put_on()
        try:
            yield
        finally:
            for swap in self._swaps:
                swap.take_off()

    @contextmanager
    def _checkpointed(self, adapted: Callable[[], AbstractContextManager[None]], *, on: bool) -> Iterator[None]:
        """Let the denoiser's blocks be computed again for the gradient, with the adapters as they are now."""
        network: Any = self.model.parts[DENOISER]
        if not on:
            yield
            return

        def again(block: Callable[..., Any], *inputs: object) -> object:
            return checkpoint(block, *inputs, use_reentrant=False, context_fn=lambda: (nullcontext(), adapted()))

        network.enable_gradient_checkpointing(again)
        network.train()
        try:
            yield
        finally:
            network.disable_gradient_checkpointing()
            network.eval()

    def predict(self, latents: Tensor, times: Tensor, captions: Sequence[str], sizes: Sequence[PictureSize]) -> Tensor:
        """Return what the denoiser answers (n, c, h, w), float32, with the adapters if they are on.

        Args:
            latents: With noise on them, (n, c, h, w).
            times: Their timesteps (n,).
            captions: Their texts, one each.
            sizes: What SDXL is told of each picture's size.
        """
        device, dtype = self.model.device, self.model.dtype
        tokens, pooled = repeat_to_common_length(self.texts(captions))
        inputs = DenoiserInputs(
            latents=latents.to(device, dtype),
            timestep=times.to(device),
            tokens=tokens,
            pooled=pooled,
            sizes=tuple(sizes),
        )
        return self.model.denoiser(inputs).float()

    def texts(self, captions: Sequence[str]) -> list[TextEmbeds]:
        """Return captions' conditioning: kept where no text encoder learns, else all of one pass, equal ones once."""
        if not self._learns_text:
            return [self._texts.of(caption) for caption in captions]
        own = list(dict.fromkeys(captions))
        encoded = self._conditioner.embed_all([(Words(text=caption, weight=1.0),) for caption in own])
        by_caption = dict(zip(own, encoded, strict=True))
        return [by_caption[caption] for caption in captions]

    def text(self, caption: str) -> TextEmbeds:
        """Return a caption's conditioning."""
        return self.texts([caption])[0]
