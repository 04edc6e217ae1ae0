"""What makes a model fast on the device it is on, without changing what it computes: put on for a render, then off.

A model is opened as its library makes it, and may be trained, exported or compared so. While pictures are rendered,
its attention, norms, convolutions and linear layers compute as this room has them. What is kept for that (packed
weights) is kept with the kernels and found again at the next render.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from lora_mixer.kernels.attention import attention_swaps
from lora_mixer.kernels.layout import layout_swaps
from lora_mixer.kernels.norms import norm_swaps
from lora_mixer.kernels.packing import Packs
from lora_mixer.kernels.swaps import Swap
from lora_mixer.kernels.tuning import packing_swaps


class Kernels:
    """The fast ways of a model's networks.

    Args:
        denoiser: The denoiser, all of whose layers have fast ways.
        others: Networks whose convolutions and linear layers have: the VAE.
    """

    def __init__(self, denoiser: nn.Module, *others: nn.Module) -> None:
        self._networks = (denoiser, *others)
        self._swaps: tuple[Swap, ...] | None = None
        self._on: list[Swap] = []
        self._users: list[object] = []

    @contextmanager
    def on(self) -> Iterator[None]:
        """Put the kernels on for the duration of a `with` block; of several at once the last takes them off."""
        user = object()
        try:
            self._users.append(user)
            if len(self._users) == 1:
                self.put_on()
            yield
        finally:
            if user in self._users:
                self._users.remove(user)
            if not self._users:
                self.take_off()

    def rest(self) -> None:
        """Take off what an interruption left on; nothing, as a rule."""
        self._users.clear()
        self.take_off()

    def put_on(self) -> None:
        """Let the modules compute the fast way until `take_off`."""
        if self._swaps is None:
            self._swaps = self._chosen()
        for swap in self._swaps:
            if isinstance(swap.fast, Packs):
                swap.fast.begin(swap.module.get_parameter("weight"))
            self._on.append(swap)
            swap.put_on()

    def take_off(self) -> None:
        """Leave the modules as they were made; an interruption waits until all of them are.

        Raises:
            KeyboardInterrupt: One came meanwhile.
        """
        interrupted: KeyboardInterrupt | None = None
        while self._on:
            try:
                self._on[-1].take_off()
                self._on.pop()
            except KeyboardInterrupt as error:
                interrupted = error
        if interrupted is not None:
            raise interrupted

    def _chosen(self) -> tuple[Swap, ...]:
        denoiser = self._networks[0]
        return (
            *attention_swaps(denoiser),
            *layout_swaps(denoiser),
            *norm_swaps(denoiser),
            *packing_swaps(self._networks),
        )
