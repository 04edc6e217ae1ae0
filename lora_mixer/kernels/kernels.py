"""What makes a model fast on its device without changing what it computes: put on for a render, then taken off.

A model is opened as its library makes it, so it can be trained, exported and compared. While rendering, its attention,
norms, convolutions and linear layers compute by this room's kernels. What they cache (packed weights) is kept for the
next render.
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
    """The kernels of a model's networks.

    Args:
        denoiser: The denoiser; all kernels apply to it.
        others: Other networks (the VAE); only packed convolutions and linear layers apply.
    """

    def __init__(self, denoiser: nn.Module, *others: nn.Module) -> None:
        self._networks = (denoiser, *others)
        self._swaps: tuple[Swap, ...] | None = None
        self._on: list[Swap] = []
        self._users: list[object] = []

    @contextmanager
    def on(self) -> Iterator[None]:
        """Put the kernels on within a `with` block; of several at once, the last takes them off."""
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

    @contextmanager
    def off(self) -> Iterator[None]:
        """Take the kernels off within a `with` block, which may put them on for others, and put them on again if they were."""
        users, self._users = self._users, []
        self.take_off()
        try:
            yield
        finally:
            self._users = users
            if users:
                self.put_on()

    def rest(self) -> None:
        """Take off what an interruption left on; normally nothing."""
        self._users.clear()
        self.take_off()

    def put_on(self) -> None:
        """Let the modules compute by kernels until `take_off`."""
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
