"""Writing the ledger, so that a crash at any moment leaves every entered picture whole and entered once."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from lora_mixer.batch.failure import Failure
from lora_mixer.batch.ledger import FAILED, MANIFEST, PICTURES, Entry
from lora_mixer.batch.stored import PLAN
from lora_mixer.errors import FileError
from lora_mixer.images import plain


class LedgerWriter:
    """Appends to the ledger of a folder; what is appended is on disk when the call returns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.token = secrets.token_hex(4)

    def repair(self) -> None:
        """Cut off last lines that a crash tore, and remove pictures that were never entered.

        Raises:
            FileError: A file cannot be written.
        """
        for part in (self._folder / PICTURES).glob(".*"):
            part.unlink(missing_ok=True)
        for name in (MANIFEST, FAILED):
            path = self._folder / name
            try:
                data = path.read_bytes() if path.exists() else b""
                whole = data.rfind(b"\n") + 1
                if whole < len(data):
                    with path.open("r+b") as handle:
                        handle.truncate(whole)
                        os.fsync(handle.fileno())
            except OSError as error:
                raise _unwritable(path, error) from error

    def clear(self) -> None:
        """Forget an earlier run: its pictures, its lines, its plan, in this order.

        Raises:
            FileError: A file cannot be removed.
        """
        try:
            for picture in (self._folder / PICTURES).glob("*.png"):
                picture.unlink()
            for name in (MANIFEST, FAILED, PLAN):
                (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def enter(self, entries: Sequence[Entry]) -> None:
        """Give finished pictures their names and enter them, in one write.

        Raises:
            FileError: They cannot be written.
        """
        if not entries:
            return
        try:
            for entry in entries:
                part_of(self._folder / entry.file, self.token).replace(self._folder / entry.file)
            _flush_folder(self._folder / PICTURES)
        except OSError as error:
            raise _unwritable(self._folder, error) from error
        self._append(MANIFEST, entries)

    def fail(self, failures: Sequence[Failure]) -> None:
        """Enter jobs that failed.

        Raises:
            FileError: They cannot be written.
        """
        if failures:
            self._append(FAILED, failures)

    def _append(self, name: str, lines: Sequence[Entry | Failure]) -> None:
        text = "".join(json.dumps(plain(line), ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
        data = memoryview(text.encode("utf-8", "replace"))
        path = self._folder / name
        try:
            with path.open("ab", buffering=0) as handle:
                start = handle.tell()
                try:
                    while data:
                        data = data[handle.write(data) :]
                    os.fsync(handle.fileno())
                except OSError:
                    handle.truncate(start)
                    raise
        except OSError as error:
            raise _unwritable(path, error) from error


def part_of(picture: Path, token: str) -> Path:
    """Return where a worker writes a picture: only the run that started the worker gives it its name.

    A worker that outlives its run can so never replace a picture that a later run has entered.
    """
    return picture.with_name(f".{picture.stem}.{token}{picture.suffix}")


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # elsewhere a folder cannot be opened; a name that is lost is found missing when the run goes on
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(path: Path, error: OSError) -> FileError:
    return FileError(
        f"the ledger cannot be written: {error.strerror or error}",
        where=str(path),
        remedy="Check folder and disk, then run the same command again: what is finished is kept.",
    )
