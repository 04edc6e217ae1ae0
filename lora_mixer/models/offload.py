"""Offloading: weights rest on the CPU and are copied to the device while they compute.

Every module with parameters of its own gets two hooks: before it computes, copies on the device take its parameters'
places; afterwards, on every way out, they are its own again. What rests is never written, moved or copied back, so
a pristine weight stays the same tensor from opening to closing (memory-mapped, it takes no memory of its own), and an
engine that merges onto it or stands beside it sees what it always sees. accelerate's hooks (`cpu_offload`,
`cpu_offload_with_hook`) put other tensors in the weights' place or none at all, which the engines cannot work on.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from lora_mixer.errors import RequestError
from lora_mixer.kernels.memory import available_bytes

OFFLOAD_MODES = ("auto", "none", "model", "sequential")
WORKING_BYTES = 2 * 2**30
"""Memory for activations besides the weights (one picture of 1024 x 1024 pixels, half precision)."""


class Offload:
    """Offloading of some networks.

    Args:
        networks: The networks by name.
        device: Where they compute.
        keep: Whether a network's copies stay on the device until another network computes (`model`), or go after
            every module (`sequential`). Only weights as they were opened are kept; merged ones are copied each time.
    """

    def __init__(self, networks: Mapping[str, nn.Module], device: torch.device, *, keep: bool) -> None:
        self.device = device
        self._keep = keep
        self._copies: dict[nn.Parameter, nn.Parameter] = {}
        self._pristine: dict[nn.Parameter, int] = {}
        self._visitor = ""
        for name, network in networks.items():
            _move_buffers(network, device)
            for module in network.modules():
                own = dict(module.named_parameters(recurse=False))
                if own:
                    self._pristine.update((parameter, parameter.data_ptr()) for parameter in own.values())
                    self._attach(name, module, own)

    def _attach(self, network: str, module: nn.Module, own: Mapping[str, nn.Parameter]) -> None:
        def enter(_module: nn.Module, _inputs: object) -> None:
            if network != self._visitor:
                self._copies.clear()
                self._visitor = network
            module._parameters.update({name: self._copy(parameter) for name, parameter in own.items()})  # noqa: SLF001

        def leave(_module: nn.Module, _inputs: object, _output: object) -> None:
            module._parameters.update(own)  # noqa: SLF001 the one door to a module's parameters that checks no type

        module.register_forward_pre_hook(enter)
        module.register_forward_hook(leave, always_call=True)

    def _copy(self, parameter: nn.Parameter) -> nn.Parameter:
        kept = self._copies.get(parameter)
        if kept is not None and parameter.data_ptr() == self._pristine[parameter]:
            return kept
        copy = nn.Parameter(parameter.data.to(self.device), requires_grad=False)
        if self._keep and parameter.data_ptr() == self._pristine[parameter]:
            self._copies[parameter] = copy
        return copy


def choose_offload(mode: str, sizes: Mapping[str, int], free: int | None) -> str:
    """Return `none`, `model` or `sequential`.

    Args:
        mode: The requested mode; `auto` takes the fastest that fits.
        sizes: The bytes of each network's weights.
        free: The bytes that are free on the device; None where weights rest in the memory they compute in.

    Raises:
        RequestError: There is no such mode.
    """
    if mode not in OFFLOAD_MODES:
        raise RequestError(f"there is no offload {mode!r}", remedy=f"Use one of {', '.join(OFFLOAD_MODES)}.")
    if mode != "auto":
        return mode
    if free is None or sum(sizes.values()) + WORKING_BYTES <= free:
        return "none"
    return "model" if max(sizes.values()) + WORKING_BYTES <= free else "sequential"


def free_bytes(device: torch.device) -> int | None:
    """Return the free bytes of a device with its own memory, else None."""
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return int(free)


def free_memory(device: torch.device) -> int | None:
    """Return the free bytes of a device's memory, its own or the machine's; None if unknown."""
    return available_bytes() if device.type != "cuda" else free_bytes(device)


def bytes_of(network: nn.Module) -> int:
    """Return the bytes of a network's weights."""
    return sum(parameter.nbytes for parameter in network.parameters())


def _move_buffers(network: nn.Module, device: torch.device) -> None:
    """Move buffers, which are small, to the device for good."""
    for module in network.modules():
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, buffer.to(device))
