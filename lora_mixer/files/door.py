"""Open files that strangers may have named or placed: only regular files, size checked first.

A named pipe would wait for its other end, `/dev/zero` never ends, and a link may lead out of the folder it lies in;
none of them is opened. What is read is never more than was allowed, even from a file that grows meanwhile.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from lora_mixer.errors import BrokenFileError, FileError, MissingFileError

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_REMEDY = "Name a regular file."


def open_file(
    path: str | Path, *, at_most: int | None = None, inside: Path | None = None, remedy: str = _REMEDY
) -> BinaryIO:
    """Open a file for reading.

    Args:
        path: The file.
        at_most: The largest size in bytes; None for any.
        inside: A folder that the file must really lie in, links followed.
        remedy: What to do if it is no regular file.

    Raises:
        MissingFileError: It is not there, may not be read, is no regular file, or a link leads out of `inside`.
        BrokenFileError: It is larger than that.
    """
    path = Path(path)
    try:
        if inside is not None and not path.resolve(strict=True).is_relative_to(inside.resolve()):
            raise MissingFileError("a link that leads out of its folder is not followed", where=str(path))
        _check_regular(path, path.stat(), remedy)  # before it is opened: opening a device can already do something
        handle = os.fdopen(os.open(path, _FLAGS), "rb")
        try:
            _check(path, os.fstat(handle.fileno()), at_most, remedy)  # and again, as what lay there may have changed
        except BaseException:
            handle.close()
            raise
    except FileError:
        raise
    except (OSError, ValueError, RuntimeError) as error:  # a NUL in the name; a loop of links, before Python 3.13
        raise unreadable(path, error) from error
    return handle


def read_file(path: str | Path, *, at_most: int, inside: Path | None = None) -> bytes:
    """Return what is in a file.

    Raises:
        FileError: As `open_file` does; a file that grows beyond `at_most` while it is read is refused, too.
    """
    with open_file(path, at_most=at_most, inside=inside) as handle:
        try:
            content = handle.read(min(os.fstat(handle.fileno()).st_size, at_most) + 1)
        except OSError as error:
            raise unreadable(Path(path), error) from error
    if len(content) > at_most:
        raise _too_large(Path(path), len(content), at_most)
    return content


def unreadable(path: Path, error: Exception) -> FileError:
    """Return the error that says why a file could not be opened."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return MissingFileError("there is no such file", where=str(path), remedy="Check the path and its spelling.")
    if isinstance(error, PermissionError):
        return MissingFileError("the file may not be read", where=str(path), remedy="Check its permissions.")
    return MissingFileError(f"the file cannot be read ({error})", where=repr(str(path)), remedy="Check the path.")


def _check(path: Path, status: os.stat_result, at_most: int | None, remedy: str) -> None:
    _check_regular(path, status, remedy)
    if at_most is not None and status.st_size > at_most:
        raise _too_large(path, status.st_size, at_most)


def _check_regular(path: Path, status: os.stat_result, remedy: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        what = "this is a folder, not a file" if stat.S_ISDIR(status.st_mode) else "this is not a regular file"
        raise MissingFileError(what, where=str(path), remedy=remedy)


def _too_large(path: Path, size: int, at_most: int) -> FileError:
    return BrokenFileError(f"{size:,} bytes are more than the {at_most:,} allowed here", where=str(path))
