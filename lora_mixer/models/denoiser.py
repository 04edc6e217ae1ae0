"""What every denoiser is to the rest of the program: inputs in, a prediction out, whatever its network looks like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from torch import Tensor, nn

from lora_mixer.kernels.attention import AttentionWatch, Coupling, TextKV


class PictureSize(NamedTuple):
    """What some denoisers are told of a row's picture, in pixels, and whether the text is a negative one.

    Attributes:
        height: Its height before it was cropped.
        width: Its width before it was cropped.
        negative: The text says what to steer away from.
        top: Where it was cropped.
        left: Where it was cropped.
        target: Height and width after that; None: as before.
    """

    height: int
    width: int
    negative: bool = False
    top: int = 0
    left: int = 0
    target: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoiserInputs:
    """What a denoiser sees of one batch of rows at one step.

    Attributes:
        latents: The noisy latents (rows, c, h, w).
        timestep: Where in the schedule they are: a number, or one a row.
        tokens: The encoded text, (rows, n, width).
        pooled: The text's pooled vector, (rows, p), if the family's encoders give one.
        sizes: What each row's picture measures.
        text_kv: Where the text's keys and values are kept for as long as neither text nor weights change; None: nowhere.
        coupling: Which rows read which of the texts in `text_kv`, and where; None: each row its own.
        watch: Who notes what attention hears and sees.
        extra: Channels beside the latent's, (rows, k, h, w), for models that take a picture and a mask.
    """

    latents: Tensor
    timestep: Tensor
    tokens: Tensor
    pooled: Tensor | None = None
    sizes: tuple[PictureSize, ...] = ()
    text_kv: TextKV | None = None
    coupling: Coupling | None = None
    watch: AttentionWatch | None = None
    extra: Tensor | None = None


class Denoiser(Protocol):
    """A model's denoiser: a network, and how it is called.

    Attributes:
        network: Its modules, which adapters change.
        sample_size: Height and width of the latents it was trained on.
        in_channels: Channels it takes: the latent's, and what it is told beside them.
    """

    @property
    def network(self) -> nn.Module:
        """Its modules, which adapters change."""

    @property
    def sample_size(self) -> tuple[int, int]:
        """Height and width of the latents it was trained on."""

    @property
    def in_channels(self) -> int:
        """Channels it takes: the latent's, and what it is told beside them."""

    def __call__(self, inputs: DenoiserInputs) -> Tensor:
        """Return what it predicts of every row, (rows, c, h, w), in the dtype of its weights."""
