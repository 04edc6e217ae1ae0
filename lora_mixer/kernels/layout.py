"""The memory layout of images inside the networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lora_mixer.kernels.packing import by_onednn
from lora_mixer.kernels.swaps import Swap, class_swaps
from lora_mixer.libraries.classes import Transformer2DModel


def to_channels_last(pictures: Tensor) -> Tensor:
    """Return images (n, c, h, w) in the layout convolutions prefer: channels last in half precision and for oneDNN.

    Networks preserve the layout from input to output; weights stay as they are.
    """
    if pictures.dtype is torch.float32 and not by_onednn(pictures):
        return pictures
    return pictures.contiguous(memory_format=torch.channels_last)


class TransformerInPlace(Transformer2DModel):
    """A transformer block that returns its tokens in the layout of its input image.

    diffusers copies them to channels-first, and every later convolution and LoRA copies them back.
    """

    def _get_output_for_continuous_inputs(
        self, hidden_states: Tensor, residual: Tensor, batch_size: int, height: int, width: int, inner_dim: int
    ) -> Tensor:
        given: dict[str, Any] = {
            "hidden_states": hidden_states,
            "residual": residual,
            "batch_size": batch_size,
            "height": height,
            "width": width,
            "inner_dim": inner_dim,
        }
        output: Tensor
        if not residual.is_contiguous(memory_format=torch.channels_last):
            output = super()._get_output_for_continuous_inputs(**given)  # type: ignore[no-untyped-call]
        elif self.use_linear_projection:
            output = _picture(self.proj_out(hidden_states), height, width) + residual
        else:
            output = self.proj_out(_picture(hidden_states, height, width)) + residual
        return output


def layout_swaps(denoiser: nn.Module) -> Sequence[Swap]:
    """Return what lets a denoiser's transformers keep the layout of pictures."""
    chosen = (m for m in denoiser.modules() if type(m) is Transformer2DModel and m.is_input_continuous)
    return class_swaps(chosen, TransformerInPlace)


def _picture(tokens: Tensor, height: int, width: int) -> Tensor:
    """View tokens (n, h w, c) as channels-last images (n, c, h, w), without copying."""
    return torch.unflatten(tokens, 1, (height, width)).permute(0, 3, 1, 2)
