"""What makes an opened model fast on the device it is on, without changing what it computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import nn

from lora_mixer.kernels.attention import use_chunked_attention
from lora_mixer.kernels.layout import keep_layout
from lora_mixer.kernels.memory import available_bytes
from lora_mixer.kernels.norms import use_thin_norms
from lora_mixer.kernels.packing import Packed, PackedConv2d, PackedLinear, benefits_from_packing, by_onednn

SHARE = 0.25
"""Weights are kept twice only as far as that takes at most this share of the free memory."""

KINDS: tuple[tuple[type[nn.Module], type[Packed]], ...] = ((nn.Conv2d, PackedConv2d), (nn.Linear, PackedLinear))
"""Modules and what they become, those that gain most first."""


def tune(unet: nn.Module, vae: nn.Module) -> None:
    """Choose how attention, norms, convolutions and linear layers are computed, and how pictures lie between them."""
    use_chunked_attention(unet)
    keep_layout(unet)
    use_thin_norms(unet)
    pack_weights([unet, vae])


def pack_weights(networks: Sequence[nn.Module]) -> None:
    """Let oneDNN compute with networks' weights where it can, and keep them packed, kind by kind, where there is memory."""
    free = available_bytes()
    budget = float("inf") if free is None else SHARE * free
    for plain, packed in KINDS:
        chosen = [m for network in networks for m in network.modules() if type(m) is plain and _is_computed(m)]
        gaining = {
            module for module in chosen if plain is nn.Conv2d or benefits_from_packing(cast(Packed, module).weight)
        }
        budget -= sum(cast(Packed, module).weight.nbytes for module in gaining)
        for module in chosen:
            object.__setattr__(module, "__class__", packed)
            cast(Packed, module).begin(keeps=budget >= 0 and module in gaining)


def _is_computed(module: nn.Module) -> bool:
    """Return whether oneDNN computes this module as it is set up."""
    if isinstance(module, nn.Conv2d) and (module.padding_mode != "zeros" or isinstance(module.padding, str)):
        return False
    return by_onednn(cast(Packed, module).weight)
