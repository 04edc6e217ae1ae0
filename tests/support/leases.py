"""Programs that cut a file short while it is held."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from lora_mixer.errors import ChangedFileError
from lora_mixer.files import Leases


def lends(file: Path) -> bool:
    """Whether leases can be had on a file: on Linux, on most local disks, for its owner."""
    if sys.platform != "linux":
        return False
    import fcntl

    with file.open("rb") as handle:
        try:
            fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError:
            return False
    return True


def truncating(file: Path) -> subprocess.Popen[bytes]:
    """Start a program that opens a file anew for writing, which leaves nothing in it."""
    return subprocess.Popen(["sh", "-c", ': > "$1"', "sh", str(file)])


def waits(writer: subprocess.Popen[bytes], leases: Leases) -> bool:
    """Whether a writer waits for a file that is held."""
    end = time.monotonic() + 20
    while time.monotonic() < end and writer.poll() is None:
        try:
            leases.check()
        except ChangedFileError:
            time.sleep(0.05)
            return writer.poll() is None
        time.sleep(0.01)
    return False
