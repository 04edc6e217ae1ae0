"""Choose which modules use packed weights, and which keep the packs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from torch import nn

from lora_mixer.kernels.memory import available_bytes
from lora_mixer.kernels.packing import Packed, PackedConv2d, PackedLinear, Packs, benefits_from_packing, by_onednn
from lora_mixer.kernels.swaps import Swap, class_swaps

SHARE = 0.25
"""Packs may take at most this share of the free memory."""

KINDS: tuple[tuple[type[nn.Module], type[Packed]], ...] = ((nn.Conv2d, PackedConv2d), (nn.Linear, PackedLinear))
"""Module classes and their packed versions, most gain first."""


def packing_swaps(networks: Sequence[nn.Module]) -> Iterator[Swap]:
    """Yield what lets oneDNN compute with networks' weights where it can; packs are kept, kind by kind, where there is memory."""
    free = available_bytes()
    budget = float("inf") if free is None else SHARE * free
    for plain, packed in KINDS:
        chosen = [m for network in networks for m in network.modules() if type(m) is plain and _is_computed(m)]
        gaining = {m for m in chosen if plain is nn.Conv2d or benefits_from_packing(_weight(m))}
        budget -= sum(_weight(module).nbytes for module in gaining)
        for module in chosen:
            yield Swap(module, "packs", Packs(keeps=budget >= 0 and module in gaining))
        yield from class_swaps(chosen, packed)


def _weight(module: nn.Module) -> nn.Parameter:
    return cast(nn.Parameter, module.weight)


def _is_computed(module: nn.Module) -> bool:
    """Return whether oneDNN computes this module as it is set up."""
    if isinstance(module, nn.Conv2d) and (module.padding_mode != "zeros" or isinstance(module.padding, str)):
        return False
    return by_onednn(_weight(module))
