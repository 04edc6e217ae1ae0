"""The manifest: one line of JSON a picture, entered when the picture is on disk."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from lora_mixer.errors import BrokenFileError, FileError, MissingFileError
from lora_mixer.images import RenderRecord, plain
from lora_mixer.request import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestLine:
    """One picture of a run.

    Attributes:
        index: Its number in the run, from 0.
        file: The picture, relative to the manifest's folder.
        name: The job's name.
        digest: What `job_digest` says of its settings and files.
        seconds: Time spent on it.
        record: How it came to be.
    """

    index: int
    file: Path
    name: str
    digest: str
    seconds: float
    record: RenderRecord

    @staticmethod
    def of(record: RenderRecord, file: Path, index: int, name: str) -> ManifestLine:
        """Return the line of a finished picture."""
        return ManifestLine(
            index=index,
            file=file,
            name=name,
            digest=job_digest(record.settings, files_of(record)),
            seconds=round(record.seconds, 4),
            record=record,
        )


class Manifest:
    """An append-only file of one line a picture; every line is on disk when `append` returns."""

    def __init__(self, path: Path, count: int) -> None:
        self.path = path
        self._count = count

    @classmethod
    def start(cls, path: Path) -> Manifest:
        """Begin an empty manifest; an earlier one of the same name is replaced.

        Raises:
            FileError: It cannot be written.
        """
        try:
            path.write_bytes(b"")
        except OSError as error:
            raise _unwritable(path, error) from error
        return cls(path, 0)

    @classmethod
    def resume(cls, path: Path) -> Manifest:
        """Go on with a manifest; a last line that a crash tore is cut off.

        Raises:
            MissingFileError: There is none.
            BrokenFileError: A line before the last is damaged.
            FileError: It cannot be written.
        """
        lines = read_manifest(path)
        try:
            data = path.read_bytes()
            with path.open("r+b") as handle:
                handle.truncate(data.rfind(b"\n") + 1)
        except OSError as error:
            raise _unwritable(path, error) from error
        return cls(path, max((line.index for line in lines), default=-1) + 1)

    def append(self, record: RenderRecord, picture: Path, *, name: str) -> ManifestLine:
        """Enter one picture, relative to the manifest's folder, and make sure the line is on disk.

        Raises:
            FileError: It cannot be written.
        """
        line = ManifestLine.of(record, picture, self._count, name)
        try:
            with self.path.open("ab") as handle:
                handle.write(json.dumps(plain(line), ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
                handle.flush()
                os.fsync(handle.fileno())
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self._count += 1
        return line


def read_manifest(path: Path) -> tuple[ManifestLine, ...]:
    """Read all whole lines; what follows the last line end was torn by a crash and is left out.

    Raises:
        MissingFileError: There is no manifest.
        BrokenFileError: A whole line is damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MissingFileError(
            f"the manifest cannot be read: {error.strerror or error}", where=str(path), remedy="Check the path."
        ) from error
    whole = data[: data.rfind(b"\n") + 1]
    return tuple(
        _line(text, f"{path}:{number}") for number, text in enumerate(whole.split(b"\n"), start=1) if text.strip()
    )


def job_digest(settings: Settings, files: Mapping[str, str]) -> str:
    """Return the sha256 of what decides a picture: its settings and the digests of the files it names.

    Two spellings of one request give one digest: keys are sorted, and 7 and 7.0 are the same number.

    Args:
        settings: The request with its gaps filled.
        files: Digest by role, such as `model` or `lora:NAME`.
    """
    content = {"request": _canonical(plain(settings)), "files": dict(files)}
    return sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def files_of(record: RenderRecord) -> dict[str, str]:
    """Return the digests of the files a picture was made from, by role."""
    model = {"model": record.model.sha256} | ({"vae": record.model.vae_sha256} if record.model.vae_sha256 else {})
    adapters = {f"lora:{adapter.name}": adapter.sha256 for adapter in record.adapters}
    return model | adapters | {f"embedding:{e.name}": e.sha256 for e in record.embeddings}


def _line(text: bytes, where: str) -> ManifestLine:
    try:
        table = json.loads(text)
        return ManifestLine(
            index=int(table["index"]),
            file=Path(table["file"]),
            name=str(table["name"]),
            digest=str(table["digest"]),
            seconds=float(table["seconds"]),
            record=RenderRecord.from_json(json.dumps(table["record"])),
        )
    except (ValueError, KeyError, TypeError, RecursionError, BrokenFileError) as error:
        raise BrokenFileError(
            f"a line of the manifest is damaged: {error}", where=where, remedy="Remove the line; its picture is redone."
        ) from error


def _canonical(value: object) -> object:
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _unwritable(path: Path, error: OSError) -> FileError:
    return FileError(
        f"the manifest cannot be written: {error.strerror or error}", where=str(path), remedy="Check folder and disk."
    )
