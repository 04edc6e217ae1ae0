"""Optimizers by name: torch's, and those of well-kept packages where they are installed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

import torch

from lora_mixer.errors import RequestError
from lora_mixer.trainer.settings import TrainSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerRow:
    """One optimizer.

    Attributes:
        module: Where its class is.
        name: The class.
        package: What to install for it; None comes with torch.
        options: What it is made with.
        decays: Whether it takes `weight_decay`.
        scheduled: Whether the rate goes by `schedule`; those without find their own.
        floats: How many numbers of 4 bytes it keeps for each that learns.
    """

    module: str
    name: str
    package: str | None = None
    options: Callable[[], Mapping[str, Any]] = dict
    decays: bool = True
    scheduled: bool = True
    floats: float = 2


OPTIMIZERS: Mapping[str, OptimizerRow] = MappingProxyType(
    {
        "adamw": OptimizerRow(module="torch.optim", name="AdamW", options=lambda: {"fused": True}),
        "adamw8bit": OptimizerRow(module="bitsandbytes.optim", name="AdamW8bit", package="bitsandbytes", floats=0.5),
        "adafactor": OptimizerRow(module="torch.optim", name="Adafactor", floats=0),
        "sgd": OptimizerRow(
            module="torch.optim", name="SGD", options=lambda: {"momentum": 0.9, "nesterov": True}, floats=1
        ),
        "prodigy": OptimizerRow(
            module="prodigyopt",
            name="Prodigy",
            package="prodigyopt",
            options=lambda: {"safeguard_warmup": True, "use_bias_correction": True},
            floats=4,
        ),
        "schedulefree": OptimizerRow(
            module="schedulefree", name="AdamWScheduleFree", package="schedulefree", scheduled=False
        ),
    }
)
"""Prodigy's rate is a factor on what it finds: 1 is its own advice (Mishchenko and Defazio 2023, arXiv:2306.06101).
Schedule-Free: Defazio et al. 2024, arXiv:2405.15682."""


def optimizer_for(settings: TrainSettings, groups: Iterable[Mapping[str, Any]]) -> torch.optim.Optimizer:
    """Return the optimizer of some groups of parameters, each with its `lr`.

    Raises:
        RequestError: There is none of that name, or its package is not installed.
    """
    row = OPTIMIZERS.get(settings.optimizer)
    if row is None:
        raise RequestError(
            f"there is no optimizer {settings.optimizer!r}", remedy=f"Use one of {', '.join(OPTIMIZERS)}."
        )
    try:
        made = getattr(import_module(row.module), row.name)
    except ImportError as error:
        raise RequestError(
            f"the optimizer {settings.optimizer} needs the package {row.package}",
            remedy=f"Install it: pip install {row.package}.",
        ) from error
    decay = {"weight_decay": settings.weight_decay} if row.decays else {}
    optimizer: torch.optim.Optimizer = made([dict(group) for group in groups], **row.options(), **decay)
    return optimizer


def rate_factor(settings: TrainSettings, step: int) -> float:
    """Return what the rates are multiplied with at a step, from 0: rising over the warm-up, then by the schedule."""
    if not OPTIMIZERS[settings.optimizer].scheduled:
        return 1.0
    warm = settings.warmup * settings.steps if settings.warmup < 1 else settings.warmup
    if step < warm:
        return (step + 1) / (warm + 1)
    share = (step - warm) / max(settings.steps - warm, 1)
    match settings.schedule:
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
        case "linear":
            return 1 - min(share, 1.0)
        case _:
            return 1.0


def averages_its_weights(optimizer: torch.optim.Optimizer, *, train: bool) -> None:
    """Switch an optimizer that keeps two sets of weights (Schedule-Free) between them; others have one."""
    switch = getattr(optimizer, "train" if train else "eval", None)
    if callable(switch):
        switch()
