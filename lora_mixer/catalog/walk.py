"""Walk folders for files of some kind, with the pictures and notes that lie beside them."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PREVIEW_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
_NOTE_SUFFIXES = (".json", ".metadata.json", ".civitai.info", ".cm-info.json", ".description.txt", ".txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file of the wanted kind.

    Attributes:
        path: Its absolute path.
        root: The folder the walk began in.
        size: Its size in bytes.
        mtime_ns: When it was last changed, in nanoseconds.
        notes: The files beside it that describe it (`NAME.json`, `NAME.civitai.info`, `NAME.description.txt`, ...).
        preview: The picture beside it (`NAME.preview.png`, `NAME.png`, ...).
    """

    path: Path
    root: Path
    size: int
    mtime_ns: int
    notes: tuple[Path, ...] = ()
    preview: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenFile:
    """A skipped file or folder, with the reason."""

    path: Path
    reason: str


def walk(folders: Iterable[Path], suffixes: Iterable[str]) -> tuple[list[FoundFile], list[BrokenFile]]:
    """Find every file with one of the suffixes in the folders and below, each once, in a stable order.

    A folder that is not there holds nothing. Folders whose name begins with a dot are passed over, and so is
    whatever a symbolic link reaches outside the folder the walk began in.
    """
    wanted = tuple(suffixes)
    found: dict[Path, FoundFile] = {}
    broken: dict[Path, BrokenFile] = {}
    for folder in folders:
        for item in _walk_root(folder, wanted):
            if isinstance(item, FoundFile):
                found.setdefault(item.path, item)
            else:
                broken.setdefault(item.path, item)
    return list(found.values()), list(broken.values())


def _walk_root(folder: Path, suffixes: tuple[str, ...]) -> Iterator[FoundFile | BrokenFile]:
    root = folder.expanduser().resolve()
    pending = [root]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except FileNotFoundError:
            continue
        except OSError as error:
            yield BrokenFile(path=folder, reason=f"the folder cannot be read ({error.strerror})")
            continue
        pending.extend(Path(e.path) for e in reversed(entries) if _is_folder(e) and not e.name.startswith("."))
        files = {entry.name: entry for entry in entries if not _is_folder(entry)}
        for name, entry in files.items():
            if name.lower().endswith(suffixes) or (entry.is_symlink() and entry.is_dir()):
                yield from _visit(entry, root, files)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _visit(entry: os.DirEntry[str], root: Path, files: Mapping[str, object]) -> Iterator[FoundFile | BrokenFile]:
    path = Path(entry.path)
    try:
        if not _is_sayable(entry.name):
            yield BrokenFile(path=path, reason="its name holds control characters or is not UTF-8")
        elif entry.is_symlink() and not path.resolve(strict=True).is_relative_to(root):
            yield BrokenFile(path=path, reason="a symbolic link that leads outside its folder is not followed")
        elif entry.is_file():
            status = entry.stat()
            yield FoundFile(
                path=path,
                root=root,
                size=status.st_size,
                mtime_ns=status.st_mtime_ns,
                notes=tuple(path.with_name(name) for name in _beside(path, _NOTE_SUFFIXES, files)),
                preview=next((path.with_name(name) for name in _beside(path, _preview_suffixes(), files)), None),
            )
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symbolic links, before Python 3.13
        yield BrokenFile(path=path, reason=f"the file cannot be reached ({error})")


def _is_sayable(name: str) -> bool:
    return not any(unicodedata.category(character) in {"Cc", "Cs"} for character in name)


def _preview_suffixes() -> Iterator[str]:
    for suffix in PREVIEW_SUFFIXES:
        yield f".preview{suffix}"
        yield suffix


def _beside(path: Path, suffixes: Iterable[str], files: Mapping[str, object]) -> Iterator[str]:
    stem = path.stem
    for suffix in suffixes:
        name = stem + suffix
        if name in files and not path.with_name(name).is_symlink():
            yield name
