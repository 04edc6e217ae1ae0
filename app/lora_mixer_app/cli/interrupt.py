"""Ctrl+C during a run."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from lora_mixer.cancel import Cancel


@contextmanager
def cancel_on_interrupt() -> Iterator[Cancel]:
    """Turn the first Ctrl+C into a cancel that keeps what is finished; a second one kills as usual."""
    cancel = Cancel(remedy="Pictures that are finished are kept; --resume goes on.")

    def pressed(_signal: int, _frame: object) -> None:
        cancel.press()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, pressed)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, before)
