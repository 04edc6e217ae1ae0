"""Several GPUs share the batches of a step: the processes that `accelerate launch` starts, each with a whole model.

A step of `count` processes with `accumulate` batches each is a step of one process with `count * accumulate`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from accelerate import PartialState  # type: ignore[import-untyped]
from accelerate.utils import reduce  # type: ignore[import-untyped]
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """The processes of a training, as one of them sees it.

    Attributes:
        count: How many there are.
        number: Which this one is, from 0. The first alone writes files.
    """

    count: int = 1
    number: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes files and tells."""
        return self.number == 0

    def mean(self, value: float) -> float:
        """Return the mean of a number over all processes."""
        return value if self.count == 1 else float(reduce(_on_device(torch.tensor(value)), "mean"))

    def any(self, said: bool) -> bool:  # noqa: FBT001 - one process's answer
        """Return whether any process says so."""
        return said if self.count == 1 else self.mean(float(said)) > 0

    def share_gradients(self, numbers: Sequence[nn.Parameter]) -> None:
        """Give every process the mean of all gradients."""
        if self.count == 1:
            return
        grads = [torch.zeros_like(one) if one.grad is None else one.grad for one in numbers]
        mean: Tensor = reduce(torch.cat([grad.flatten() for grad in grads]), "mean")
        parts = torch.split(mean, [grad.numel() for grad in grads])
        for one, part in zip(numbers, parts, strict=True):
            one.grad = part.reshape(one.shape).clone()

    @contextmanager
    def leading_first(self) -> Iterator[None]:
        """Let the first process go through the block before the others, who then find what it wrote."""
        if self.count == 1:
            yield
        else:
            with _state().main_process_first():
                yield

    @contextmanager
    def seeded(self, seed: int, device: torch.device) -> Iterator[None]:
        """Seed torch's own generators inside the block, which dropout draws from; as before after it."""
        cuda = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices=cuda):
            torch.manual_seed(seed)
            yield


ALONE = Devices()
"""One process."""


def devices_in_use() -> Devices:
    """Return the processes that `accelerate launch` or torchrun started; one where neither did."""
    if not torch.distributed.is_available() or "WORLD_SIZE" not in os.environ:
        return ALONE
    state = _state()
    return Devices(count=state.num_processes, number=state.process_index)


def own_device() -> str | None:
    """Return the device of this process among those that share a training; None where there is one process."""
    return (
        None
        if devices_in_use().count == 1
        else _state().device.type
        if _state().device.type == "cpu"
        else str(_state().device)
    )


def _on_device(value: Tensor) -> Tensor:
    return value.to(_state().device)


def _state() -> PartialState:
    """Return accelerate's view of this process; without a GPU it must be told that it is to use the CPU."""
    return PartialState(cpu=not torch.cuda.is_available())
