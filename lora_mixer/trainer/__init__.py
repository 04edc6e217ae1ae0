"""Training LoRAs: trainable adapters on any module, data, loss, and files other programs read.

Settings and the check of a folder import no torch; the first use of anything else does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lora_mixer.trainer.checks import check, check_output
from lora_mixer.trainer.sample_settings import SampleSettings
from lora_mixer.trainer.settings import TrainSettings
from lora_mixer.trainer.slider_settings import SliderSettings

if TYPE_CHECKING:
    from lora_mixer.trainer.devices import own_device
    from lora_mixer.trainer.dice import Dice
    from lora_mixer.trainer.learner import Learner
    from lora_mixer.trainer.learning import TrainResult, learn, run_folder
    from lora_mixer.trainer.lesson import Lesson
    from lora_mixer.trainer.picture_lesson import PictureLesson
    from lora_mixer.trainer.run import train
    from lora_mixer.trainer.slider_lesson import SliderLesson
    from lora_mixer.trainer.slider_run import train_slider
    from lora_mixer.trainer.training import StepReport, Training
    from lora_mixer.trainer.watch import Watch
    from lora_mixer.trainer.wrapping import Wrapped, wrap, wrap_layers

__all__ = [
    "Dice",
    "Learner",
    "Lesson",
    "PictureLesson",
    "SampleSettings",
    "SliderLesson",
    "SliderSettings",
    "StepReport",
    "TrainResult",
    "TrainSettings",
    "Training",
    "Watch",
    "Wrapped",
    "check",
    "check_output",
    "learn",
    "own_device",
    "run_folder",
    "train",
    "train_slider",
    "wrap",
    "wrap_layers",
]

_LAZY = (
    dict.fromkeys(("TrainResult", "learn", "run_folder"), "learning")
    | dict.fromkeys(("StepReport", "Training"), "training")
    | dict.fromkeys(("Wrapped", "wrap", "wrap_layers"), "wrapping")
    | {
        "Dice": "dice",
        "Learner": "learner",
        "Lesson": "lesson",
        "PictureLesson": "picture_lesson",
        "Watch": "watch",
        "own_device": "devices",
        "SliderLesson": "slider_lesson",
        "train": "run",
        "train_slider": "slider_run",
    }
)
"""Public name -> the module it comes from, imported on first use."""


def __getattr__(name: str) -> object:
    """Import the names that need torch on first use."""
    if name in _LAZY:
        return getattr(import_module(f"lora_mixer.trainer.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'lora_mixer.trainer' has no attribute {name!r}")
