"""Whom a training tells what, and who may stop it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lora_mixer.trainer.training import StepReport


@dataclass(slots=True, kw_only=True)
class Watch:
    """Callbacks of a training; of several processes the first alone calls them.

    Attributes:
        on_picture: Told after every picture that was encoded: how many are done, and how many there are.
        on_step: Told after every step.
        on_saved: Told of every file that was written while it goes on, and at which step.
        on_samples: Told of every sheet of samples, and at which step.
        say: Told what the user should know.
        cancelled: Asked before every picture and step.
    """

    on_picture: Callable[[int, int], None] = lambda _done, _of: None
    on_step: Callable[[StepReport], None] = lambda _report: None
    on_saved: Callable[[Path, int], None] = lambda _path, _step: None
    on_samples: Callable[[Path, int], None] = lambda _path, _step: None
    say: Callable[[str], None] = lambda _sentence: None
    cancelled: Callable[[], bool] = lambda: False
