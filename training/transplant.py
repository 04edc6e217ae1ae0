"""Let a trained UNet go on with the latents of another VAE: only its two ends have to change.

What lies between knows shapes and words whatever latents are made of. Latents of the same pictures under both VAEs tell, by
least squares, what the old ones are in terms of the new and the other way round; both maps are folded into the first and the
last convolution.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.networks import Unet


def linear_map(source: Tensor, target: Tensor) -> Tensor:
    """The matrix (D, C) that makes latents (N, C, H, W) most like others of the same pictures, (N, D, H, W)."""
    a, b = (latents.transpose(0, 1).flatten(1).T.double() for latents in (source, target))
    found: Tensor = torch.linalg.lstsq(a, b).solution.T.float()
    return found


@torch.no_grad()
def transplant(unet: Unet, old: Tensor, new: Tensor) -> Unet:
    """Give a UNet ends for other latents, by latents of the same pictures: ``old`` (N, 4, H, W), ``new`` (N, C, H, W)."""
    channels = new.shape[1]
    first, last = unet.conv_in, unet.conv_out
    unet.conv_in = _convolution(torch.einsum("oikl,ij->ojkl", first.weight, linear_map(new, old)), first.bias)
    back = linear_map(old, new)
    unet.conv_out = _convolution(torch.einsum("ji,iokl->jokl", back, last.weight), back @ last.bias)
    unet.register_to_config(in_channels=channels, out_channels=channels)
    return unet


def _convolution(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    made = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2], padding=weight.shape[2] // 2)
    made.load_state_dict({"weight": weight.contiguous(), "bias": bias.clone()})
    return made
