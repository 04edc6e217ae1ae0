"""accelerate keeps one state a process: the first test's precision would be every later one's."""

from __future__ import annotations

import pytest
from accelerate.state import AcceleratorState


@pytest.fixture(autouse=True)
def fresh_accelerator() -> None:
    """Forget the state of the test before."""
    AcceleratorState._reset_state(reset_partial_state=True)
