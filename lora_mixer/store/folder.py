"""A folder as a store, held open rather than by name: renamed while a run writes, it is still that run's."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self

from lora_mixer.errors import FileError

POSIX = os.name == "posix"
"""Elsewhere a folder with an open file in it cannot be renamed, so its name is enough."""

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


class FolderStore:
    """An open folder. Names are relative to it, with `/` between their parts.

    Args:
        path: The folder.

    Raises:
        FileError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._former: list[Path] = []
        try:
            self._handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY) if POSIX else None
        except OSError as error:
            raise FileError(
                f"the folder cannot be opened: {error.strerror or error}",
                where=str(path),
                remedy="Check its permissions.",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        """Let the folder go."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    @property
    def path(self) -> Path:
        """The folder's current path.

        Raises:
            FileError: It was removed.
        """
        if not self._is(self._path):
            now = self._found()
            if now is None or not self._is(now):
                raise FileError(
                    "the folder of the run was removed or renamed while the run went on",
                    where=str(self._path),
                    remedy="Whatever was entered is still in it; run the same command with its new name.",
                )
            self._former.append(self._path)
            self._path = now
        return self._path

    @property
    def former(self) -> tuple[Path, ...]:
        """Its earlier paths, if it was renamed."""
        with suppress(FileError):
            _ = self.path  # which looks
        return tuple(self._former)

    def open(self, name: str, flags: int) -> BinaryIO:
        """Open a file of the folder; a link in its place is not followed.

        Raises:
            OSError: It cannot be opened.
        """
        if not _NOFOLLOW and (self._path / name).is_symlink():
            raise OSError(errno.ELOOP, "it is a link")
        flags |= _NOFOLLOW | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
        handle = os.open(self._name(name), flags, 0o666, dir_fd=self._handle)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise OSError(errno.EINVAL, "it is no ordinary file")
        reading = not flags & (os.O_WRONLY | os.O_RDWR)
        return os.fdopen(handle, "rb" if reading else "r+b" if flags & os.O_RDWR else "wb", buffering=0)

    def where(self, name: str = "") -> str:
        """Return the path of a file, or the folder's."""
        return str(self.path / name if name else self.path)

    def has(self, name: str) -> bool:
        """Return whether a file, folder or link of this name exists."""
        try:
            os.stat(self._name(name), dir_fd=self._handle, follow_symlinks=False)
        except OSError:
            return False
        return True

    def read(self, name: str) -> bytes:
        """Return a file's bytes; none if it does not exist.

        Raises:
            OSError: It cannot be read, or is no file.
        """
        try:
            with self.open(name, os.O_RDONLY) as file:
                return b"".join(iter(lambda: file.read(1 << 20), b""))
        except FileNotFoundError:
            return b""

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all, and flush it and its folder.

        Raises:
            OSError: It cannot be written.
        """
        part = _beside(name, "part")
        self._make_folder_of(name)
        self.remove(part)
        with self.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
            _write_all(file, data)
        self.move(part, name)
        self.keep()

    def append(self, name: str, data: bytes) -> None:
        """Append to a file, all or nothing, and flush it.

        Raises:
            OSError: It cannot be written.
        """
        self._make_folder_of(name)
        with self.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND) as file:
            start = file.seek(0, os.SEEK_END)
            try:
                _write_all(file, data)
            except OSError:
                file.truncate(start)
                raise

    def write_new(self, name: str, data: bytes) -> bool:
        """Write a file whole unless one of that name exists; return whether it was written.

        Raises:
            OSError: It cannot be written.
        """
        part = _beside(name, f"{secrets.token_hex(4)}.part")
        self._make_folder_of(name)
        with self.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
            _write_all(file, data)
        try:
            os.link(self._name(part), self._name(name), src_dir_fd=self._handle, dst_dir_fd=self._handle)
        except FileExistsError:
            return False
        finally:
            self.remove(part)
        self.keep()
        return True

    def move(self, name: str, new: str) -> None:
        """Rename a file, making its new folder if needed.

        Raises:
            FileNotFoundError: There is none.
            OSError: It cannot be moved.
        """
        self._make_folder_of(new)
        os.replace(self._name(name), self._name(new), src_dir_fd=self._handle, dst_dir_fd=self._handle)

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""
        with suppress(FileNotFoundError):
            os.unlink(self._name(name), dir_fd=self._handle)

    def _make_folder_of(self, name: str) -> None:
        """Make a file's folder, if it does not exist, and flush its parent."""
        folder = name.rpartition("/")[0]
        if not folder:
            return
        try:
            os.mkdir(self._name(folder), 0o777, dir_fd=self._handle)
        except FileExistsError:
            if not (self._path / folder).is_dir():
                raise OSError(errno.ENOTDIR, f"{folder} is no folder; give it another name") from None
            return
        self.keep()

    def keep(self, folder: str = ".") -> None:
        """Flush a folder's names to disk."""
        if self._handle is None:
            return  # elsewhere a folder cannot be opened; a name that is lost is found missing when the run goes on
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY, dir_fd=self._handle)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def forget_strays(self, name: str) -> None:
        """Remove a file that a worker wrote to the folder's earlier path."""
        for folder in self.former:
            with suppress(OSError):
                (folder / name).unlink(missing_ok=True)

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the sorted names in a folder; none if it is no folder."""
        try:
            return tuple(sorted(path.name for path in (self.path / folder).iterdir()))
        except OSError:
            return ()

    def _name(self, name: str) -> str | Path:
        return self._path / name if self._handle is None else name

    def _is(self, path: Path) -> bool:
        """Return whether a path is this folder."""
        if self._handle is None:
            return path.is_dir()
        try:
            return os.path.samestat(path.stat(), os.fstat(self._handle))
        except OSError:
            return False

    def _found(self) -> Path | None:
        """Return the folder's current path as the system knows it."""
        if self._handle is None:
            return None
        if sys.platform == "darwin":
            import fcntl

            return Path(os.fsdecode(fcntl.fcntl(self._handle, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0")))
        try:
            return Path(f"/proc/self/fd/{self._handle}").readlink()
        except OSError:
            return None


def _beside(name: str, ending: str) -> str:
    """Return a hidden name in the same folder."""
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}.{file}.{ending}"


def _write_all(file: BinaryIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
    os.fsync(file.fileno())


def made(path: Path) -> None:
    """Make a folder with its parents, and flush the new names.

    Raises:
        OSError: It cannot be made.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing if POSIX else ():
        with FolderStore(folder.parent) as above:
            above.keep()
