"""One run per folder: a lock that names its holder and is released with the holder's process."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from lora_mixer.errors import ConfigError, FileError
from lora_mixer.store import FolderStore

LOCK = ".lock"


@contextmanager
def hold(folder: Path, say: Callable[[str], None]) -> Iterator[FolderStore]:
    """Lock a folder for one run and yield it; it stays locked if it is renamed meanwhile.

    The operating system holds the lock and releases it when the process ends, however it ends; the file names the holder.
    A file that still names one was left by a process that died.

    Args:
        folder: The folder.
        say: Called when the lock of a dead run is taken over.

    Raises:
        ConfigError: Another run holds it; its process, machine and start are in the text.
        FileError: The lock cannot be written.
    """
    path = folder / LOCK
    with FolderStore(folder) as place, _opened(place, path) as handle:
        holder = _holder(handle)
        if not _locked(handle):
            raise ConfigError(
                f"another run is writing there: {_named(holder)}",
                where=str(folder),
                remedy="Wait until it is done, or name another folder with --output.",
            )
        _check_same_machine(holder, path)
        if holder:
            say(f"taking over from a run that died: {_named(holder)}")
        _write(handle, _myself())
        try:
            yield place
        finally:
            _write(handle, {})


def _opened(place: FolderStore, path: Path) -> BinaryIO:
    """Open the lock file; a link is not followed, or its target would be emptied."""
    try:
        return place.open(LOCK, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise FileError(
            f"the folder cannot be locked: {error.strerror or error}",
            where=str(path),
            remedy="It must be a regular file that you can write, or be absent; links are not followed.",
        ) from error


def _locked(handle: BinaryIO) -> bool:
    try:
        _lock_file(handle)
    except OSError:
        return False
    return True


if sys.platform == "win32":
    import msvcrt

    def _lock_file(handle: BinaryIO) -> None:
        handle.seek(1 << 30)  # beyond the text, which others must be able to read
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock_file(handle: BinaryIO) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _check_same_machine(holder: dict[str, object], path: Path) -> None:
    """Refuse a lock left by another machine: whether its run is alive cannot be told from here."""
    if holder and holder.get("host") != socket.gethostname():
        raise ConfigError(
            f"a run on another machine may be writing there: {_named(holder)}",
            where=str(path.parent),
            remedy=f"If that run is over, remove {path}.",
        )


def _myself() -> dict[str, object]:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": since}


def _named(holder: dict[str, object]) -> str:
    return f"process {holder.get('pid', '?')} on {holder.get('host', '?')} since {holder.get('since', '?')}"


def _holder(handle: BinaryIO) -> dict[str, object]:
    handle.seek(0)
    try:
        table = json.loads(handle.read() or b"{}")
    except ValueError:
        return {}
    return table if isinstance(table, dict) else {}


def _write(handle: BinaryIO, holder: dict[str, object]) -> None:
    handle.truncate(0)
    handle.seek(0)
    handle.write(json.dumps(holder).encode() if holder else b"")
