"""The names of a file, from the shortest to the unambiguous one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lora_mixer.files import FOLDER_STEMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Spellings:
    """The names of a set of files.

    Attributes:
        names: The shortest name of each file that is no other file's.
        files: The files each spelling can mean.
    """

    names: Mapping[Path, str]
    files: Mapping[str, tuple[Path, ...]]


def spell(files: Iterable[tuple[Path, Path]]) -> Spellings:
    """Return the names of files, each given with the folder its walk began in."""
    spellings = {path: _spellings(path, root) for path, root in files}
    meant: dict[str, list[Path]] = {}
    for path, texts in spellings.items():
        for text in texts:
            meant.setdefault(text, []).append(path)
    names = {path: next(text for text in texts if len(meant[text]) == 1) for path, texts in spellings.items()}
    return Spellings(names=names, files={text: tuple(paths) for text, paths in meant.items()})


def _spellings(path: Path, root: Path) -> Sequence[str]:
    """Return stem, folder/stem, root/folder/stem, the same with suffix, and at last the whole path.

    A file in a folder of its own, as PEFT and diffusers save it, goes by the folder before all.
    """
    with_suffix = path.relative_to(root).as_posix()
    plain = with_suffix.removesuffix(path.suffix)
    folder = f"{root.name}/"
    texts = (path.stem, plain, folder + plain, path.name, with_suffix, folder + with_suffix, path.as_posix())
    return tuple(dict.fromkeys((*_folder_names(path, root), *texts)))


def _folder_names(path: Path, root: Path) -> Sequence[str]:
    if path.stem not in FOLDER_STEMS or path.parent == root:
        return ()
    inner = path.parent.relative_to(root).as_posix()
    return (path.parent.name, inner, f"{root.name}/{inner}")
