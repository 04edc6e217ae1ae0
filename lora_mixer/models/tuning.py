"""What makes an opened model fast on the device it is on, without changing what it computes."""

from __future__ import annotations

from torch import nn

from lora_mixer.models.attention import use_piecewise_attention
from lora_mixer.models.convolution import pack_convolutions


def tune(unet: nn.Module, vae: nn.Module) -> None:
    """Choose how attention and convolutions are computed."""
    use_piecewise_attention(unet)
    for network in (unet, vae):
        pack_convolutions(network)
