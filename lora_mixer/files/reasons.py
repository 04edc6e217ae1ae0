"""Why a file could not be written, in the system's words rather than a library's."""

from __future__ import annotations

import os
import re

_OS_ERROR = re.compile(r"\(os error (\d+)\)")
"""How Rust's standard library, and so safetensors, ends what it says of an error of the system."""


def reason_of(error: BaseException) -> str:
    """Return the system's words for what a library's error came of; the library's own where it came of nothing else.

    torch raises an error of its archive's over the system's, and safetensors has the system's number at the end of its text.

    >>> reason_of(RuntimeError("Error while serializing: I/O error: (os error 28)"))
    'No space left on device'
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    number = _OS_ERROR.search(str(error))
    return os.strerror(int(number[1])) if number else str(error)
