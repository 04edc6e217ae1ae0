"""Interruptions at any instruction, as Ctrl+C may come."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def interrupted(run: Callable[[], object], at: int, files: tuple[str, ...]) -> bool:
    """Run something and raise KeyboardInterrupt at its instruction of a number, counted in some files alone.

    Returns:
        Whether it has so many.
    """
    left = at

    def trace(frame: FrameType, event: str, _value: object) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.endswith(files):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False
