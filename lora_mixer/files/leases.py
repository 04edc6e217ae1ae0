"""Read leases: whoever wants to write a file that is mapped waits until it is let go.

Touching what a mapped file has lost ends the process (SIGBUS, mmap(2)), and no program can turn that into an error. Linux
lends read leases (fcntl(2), "Leases"): a program that opens the file for writing, or cuts it short, is held back until the
lease is given back, 45 seconds at most (`/proc/sys/fs/lease-break-time`), and `F_GETLEASE` tells that it waits. Many
processes may hold leases on one file; programs that only read never notice.

There are none on other systems, on disks that lend none (most network disks), on files of another user, and on files that
somebody has open for writing already. There small files are read into memory (`TensorFile.buffer`), and a large one is looked
at between two steps and no more.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Self

from lora_mixer.errors import ChangedFileError, FileError
from lora_mixer.files.door import open_file
from lora_mixer.files.seal import AGAIN, Seal, sealed

READ_WHOLE = frozenset({".json", ".txt"})
"""Endings of files that are read at once, not mapped: nobody need wait to write them."""


class Leases:
    """Holds files as they were when they were opened, while something is computed from their maps.

    Use it as a context; in between, `let_go` and `take` stand around what others do meanwhile. Nobody is kept waiting by
    a program that computes nothing.

    Args:
        seals: The files as they were.

    Raises:
        ChangedFileError: On entering: one of them is not as it was.
    """

    def __init__(self, seals: Iterable[Seal]) -> None:
        self._seals = tuple(dict.fromkeys(seals))
        self._files: dict[Path, BinaryIO] = {}
        self._held: set[Path] = set()
        self._lent: set[Path] = set()

    def __enter__(self) -> Self:
        """Take the leases."""
        mapped = (seal.path for seal in self._seals if seal.path.suffix not in READ_WHOLE)
        self._files = {path: file for path in mapped if (file := _opened(path)) is not None}
        try:
            self.take()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Give them back."""
        with ExitStack() as closing:
            for file in self._files.values():
                closing.push(file)
            self.let_go()
        self._files = {}

    def take(self) -> None:
        """Take the leases that can be had.

        Raises:
            ChangedFileError: A file is not as it was, or is being written.
        """
        for path, file in self._files.items():
            self._take(path, file)
        self.check()

    def let_go(self) -> None:
        """Give all leases back: whoever waits may write."""
        while self._held:
            _give_back(self._files[self._held.pop()])

    def check(self) -> None:
        """Raise if a file is not as it was, or somebody waits to write it.

        Raises:
            ChangedFileError: One is, or somebody does.
        """
        for seal in self._seals:
            seal.check()
        for path in self._held:
            if not _is_held(self._files[path]):
                raise _about_to_change(path)

    def _take(self, path: Path, file: BinaryIO) -> None:
        try:
            if _lease(file):
                self._held.add(path)
                self._lent.add(path)
        except BlockingIOError:  # somebody has it open for writing: if they had it before us, that is their business
            if path in self._lent:
                raise _about_to_change(path) from None


@contextmanager
def reading(*paths: Path) -> Iterator[None]:
    """Hold files for the duration of a block that reads their maps.

    Raises:
        ChangedFileError: One was written meanwhile, or is about to be.
    """
    found = (sealed(path) for path in paths)
    with Leases(seal for seal in found if seal is not None) as leases:
        yield
        leases.check()


def _about_to_change(path: Path) -> ChangedFileError:
    return ChangedFileError("another program is about to write the file", where=str(path), remedy=AGAIN)


def _opened(path: Path) -> BinaryIO | None:
    """Return a file that is open for a lease; None where there are none, and where the file is gone, which its seal tells."""
    if sys.platform != "linux":
        return None
    try:
        return open_file(path)
    except FileError:
        return None


def _lease(file: BinaryIO) -> bool:
    """Take a read lease; return whether it was lent.

    A lease that is broken is told by a signal, SIGIO as a rule, which ends a process that does not expect it: another one is
    chosen first, which does nothing, and then nobody to send it to.

    Raises:
        BlockingIOError: Somebody has the file open for writing.
    """
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETOWN, 0)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


def is_lent(file: BinaryIO) -> bool:
    """Return whether leases can be had on a file; none is held afterwards."""
    try:
        if not _lease(file):
            return False
    except BlockingIOError:
        return False
    _give_back(file)
    return True


def _is_held(file: BinaryIO) -> bool:
    """Return whether nobody has asked for the lease back."""
    if sys.platform != "linux":
        return True
    import fcntl

    return fcntl.fcntl(file, fcntl.F_GETLEASE) == fcntl.F_RDLCK


def _give_back(file: BinaryIO) -> None:
    """Give a lease back: closing does not, where a fork of this process has the file open, too."""
    if sys.platform == "linux":
        import fcntl

        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
