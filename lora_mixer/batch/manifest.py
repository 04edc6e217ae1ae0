"""The manifest: one line of JSON a picture, entered when the picture is on disk."""

from __future__ import annotations

import json
import os
from pathlib import Path

from lora_mixer.errors import FileError
from lora_mixer.images import RenderRecord


class Manifest:
    """An append-only file of one line a picture."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def start(cls, path: Path) -> Manifest:
        """Begin an empty manifest; an earlier one of the same name is replaced."""
        try:
            path.write_bytes(b"")
        except OSError as error:
            raise FileError(f"the manifest cannot be written ({error.strerror})", where=str(path)) from error
        return cls(path)

    def append(self, record: RenderRecord, picture: Path, *, name: str) -> None:
        """Enter one picture and make sure it is on disk.

        Args:
            record: What made it.
            picture: The file, relative to the manifest's folder.
            name: The job's name.

        Raises:
            FileError: The disk is full.
        """
        line = {
            "file": picture.as_posix(),
            "name": name,
            "seconds": round(record.seconds, 4),
            "record": json.loads(record.to_json()),
        }
        try:
            with self.path.open("a", encoding="utf-8") as handle:
                handle.write(json.dumps(line, ensure_ascii=False) + "\n")
                handle.flush()
                os.fsync(handle.fileno())
        except OSError as error:
            raise FileError(f"the manifest cannot be written ({error.strerror})", where=str(self.path)) from error
