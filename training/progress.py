"""The one place where the training scripts talk to the person who runs them."""

from __future__ import annotations

import sys
from datetime import datetime


def report(step: str, message: str) -> None:
    """Write one progress line, with the time of day and the step it belongs to."""
    sys.stdout.write(f"{datetime.now().astimezone():%H:%M:%S} {step:<10} {message}\n")
    sys.stdout.flush()
