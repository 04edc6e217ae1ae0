"""Training LoRAs: trainable adapters on any module, data, loss, and files other programs read.

Settings and the check of a folder import no torch; the first use of anything else does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lora_mixer.trainer.checks import check
from lora_mixer.trainer.settings import TrainSettings

if TYPE_CHECKING:
    from lora_mixer.trainer.run import TrainResult, Watch, train
    from lora_mixer.trainer.training import StepReport, Training
    from lora_mixer.trainer.wrapping import Wrapped, wrap, wrap_layers

__all__ = [
    "StepReport",
    "TrainResult",
    "TrainSettings",
    "Training",
    "Watch",
    "Wrapped",
    "check",
    "train",
    "wrap",
    "wrap_layers",
]

_LAZY = (
    dict.fromkeys(("TrainResult", "Watch", "train"), "run")
    | dict.fromkeys(("StepReport", "Training"), "training")
    | dict.fromkeys(("Wrapped", "wrap", "wrap_layers"), "wrapping")
)
"""Public name -> the module it comes from, imported on first use."""


def __getattr__(name: str) -> object:
    """Import the names that need torch on first use."""
    if name in _LAZY:
        return getattr(import_module(f"lora_mixer.trainer.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'lora_mixer.trainer' has no attribute {name!r}")
