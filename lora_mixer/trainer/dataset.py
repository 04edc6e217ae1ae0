"""A folder of pictures as what is to be learned: captions, repeats, masks, and what is left out, by name.

Forms read: kohya's folders (`10_name` is repeated ten times; pictures in the folder itself count once), captions in `.txt`
or `.caption` beside a picture, `captions.jsonl` or `captions.toml` in the folder (`file`, `caption`), and a mask beside a
picture (`NAME.mask.png`, or `masks/NAME.png`; white is learned).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from lora_mixer.errors import ConfigError, FileError, MissingFileError
from lora_mixer.files import read_file

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".avif"})
CAPTIONS = (".txt", ".caption")
TABLES = ("captions.jsonl", "metadata.jsonl", "captions.toml")
MASKS = "masks"
MOST_PIXELS = 16384 * 16384 // 4
_TEXT_BYTES = 64 * 1024
_TABLE_BYTES = 64 * 1024 * 1024
_REPEATS = re.compile(r"(\d+)_(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A picture to learn from.

    Attributes:
        path: The file.
        caption: What it shows; empty if nothing says so.
        width: In pixels.
        height: In pixels.
        repeats: How often an epoch shows it.
        concept: The folder it is of, without kohya's number.
        mask: A picture whose white part alone is learned; None learns all.
        regularises: Whether it is there to keep what the model knew, with the weight of the prior.
    """

    path: Path
    caption: str
    width: int
    height: int
    repeats: int = 1
    concept: str = ""
    mask: Path | None = None
    regularises: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What a folder holds to learn from.

    Attributes:
        examples: The pictures, in order of their paths.
        left_out: What cannot be used, by file, and why.
    """

    examples: tuple[Example, ...]
    left_out: Mapping[Path, str]

    @property
    def shown(self) -> int:
        """How many pictures an epoch shows."""
        return sum(example.repeats for example in self.examples)

    def tag_frequency(self, separator: str = ",") -> dict[str, dict[str, int]]:
        """Return how often each tag stands in the captions of each concept: kohya's `ss_tag_frequency`."""
        found: dict[str, Counter[str]] = {}
        for example in self.examples:
            counts = found.setdefault(f"{example.repeats}_{example.concept}", Counter())
            counts.update(tag.strip() for tag in example.caption.split(separator) if tag.strip())
        return {concept: dict(counts.most_common()) for concept, counts in found.items()}

    def folders(self) -> dict[str, dict[str, int]]:
        """Return how many pictures each concept has and how often they are repeated: kohya's `ss_dataset_dirs`."""
        found: dict[str, dict[str, int]] = {}
        for one in self.examples:
            row = found.setdefault(f"{one.repeats}_{one.concept}", {"n_repeats": one.repeats, "img_count": 0})
            row["img_count"] += 1
        return found


def read_dataset(folder: Path, *, regularisation: Path | None = None, smallest: int = 16) -> Dataset:
    """Read a folder of pictures.

    Args:
        folder: Pictures, or kohya's folders of pictures.
        regularisation: Another such folder, whose pictures keep what the model knew.
        smallest: Pictures with a shorter side are left out.

    Raises:
        MissingFileError: There is no such folder.
        ConfigError: A table of captions cannot be read: file, line and what was expected are in the text.
        FileError: The folder cannot be read, or holds no picture that can be used.
    """
    left_out: dict[Path, str] = {}
    examples = list(_examples(folder, left_out, smallest, regularises=False))
    if regularisation is not None:
        examples += _examples(regularisation, left_out, smallest, regularises=True)
    if not any(not example.regularises for example in examples):
        why = f" ({len(left_out)} cannot be used: {next(iter(left_out.values()))})" if left_out else ""
        raise FileError(
            f"there is no picture to learn from{why}",
            where=str(folder),
            remedy=f"Put {', '.join(sorted(PICTURES))} files there, or into folders like 10_name.",
        )
    return Dataset(examples=tuple(examples), left_out=left_out)


def _examples(folder: Path, left_out: dict[Path, str], smallest: int, *, regularises: bool) -> Iterator[Example]:
    if not folder.is_dir():
        raise MissingFileError("there is no such folder of pictures", where=str(folder), remedy="Check the path.")
    try:
        below = sorted(path for path in folder.iterdir() if path.is_dir() and path.name != MASKS)
        parts = [(folder, 1, folder.name), *(_concept(path) for path in below if not path.name.startswith("."))]
        for part, repeats, concept in parts:
            captions = _table(part)
            for path in sorted(part.iterdir()):
                if path.suffix.lower() in PICTURES and not path.stem.endswith(".mask"):
                    size = _size(path, smallest, left_out)
                    if size is not None:
                        yield Example(
                            path=path,
                            caption=captions.get(path.name) or captions.get(path.stem) or _caption(path, left_out),
                            width=size[0],
                            height=size[1],
                            repeats=repeats,
                            concept=concept,
                            mask=_mask(path, left_out),
                            regularises=regularises,
                        )
    except OSError as error:
        raise FileError(f"the folder cannot be read ({error.strerror})", where=str(folder)) from error


def _concept(folder: Path) -> tuple[Path, int, str]:
    numbered = _REPEATS.fullmatch(folder.name)
    return (folder, int(numbered[1]), numbered[2]) if numbered and len(numbered[1]) < 6 else (folder, 1, folder.name)


def _size(path: Path, smallest: int, left_out: dict[Path, str]) -> tuple[int, int] | None:
    """Return a picture's size by its header; None, with the reason told, if it cannot be used."""
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            turned = picture.getexif().get(0x0112, 1) >= 5  # stored on its side
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        left_out[path] = (
            f"it is no picture that can be read ({str(error).splitlines()[0][:200] if str(error) else error})"
        )
        return None
    if min(width, height) < smallest or width * height > MOST_PIXELS:
        left_out[path] = f"it has {width}x{height} pixels"
        return None
    return (height, width) if turned else (width, height)


def _caption(path: Path, left_out: dict[Path, str]) -> str:
    for ending in CAPTIONS:
        beside = path.with_suffix(ending)
        if beside.is_file():
            try:
                return " ".join(read_file(beside, at_most=_TEXT_BYTES).decode("utf-8-sig").split())
            except (FileError, UnicodeDecodeError) as error:
                left_out[beside] = f"the caption cannot be read ({error}); the picture is learned without one"
    return ""


def _mask(path: Path, left_out: dict[Path, str]) -> Path | None:
    for mask in (path.with_name(f"{path.stem}.mask.png"), path.parent / MASKS / f"{path.stem}.png"):
        if mask.is_file():
            return mask if _size(mask, 1, left_out) is not None else None
    return None


def _table(folder: Path) -> Mapping[str, str]:
    for name in TABLES:
        path = folder / name
        if path.is_file():
            try:
                text = read_file(path, at_most=_TABLE_BYTES).decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise ConfigError("it is not UTF-8", where=str(path), remedy="Save it as UTF-8.") from error
            rows = _toml_rows(text, path) if path.suffix == ".toml" else _json_rows(text, path)
            return dict(_named(rows, path))
    return {}


def _toml_rows(text: str, path: Path) -> Iterable[tuple[int, object]]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"it is no TOML: {error}", where=str(path)) from error
    rows = table.get("pictures", [{"file": key, "caption": value} for key, value in table.items()])
    return enumerate(rows, 1) if isinstance(rows, list) else [(1, rows)]


def _json_rows(text: str, path: Path) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                raise ConfigError(f"it is no JSON: {error}", where=f"{path}, line {number}") from error


def _named(rows: Iterable[tuple[int, object]], path: Path) -> Iterator[tuple[str, str]]:
    for number, row in rows:
        named = row if isinstance(row, dict) else {}
        file = named.get("file") or named.get("file_name")
        caption = named.get("caption", named.get("text"))
        if not isinstance(file, str) or not isinstance(caption, str):
            raise ConfigError(
                "a row needs `file` and `caption`, both texts",
                where=f"{path}, row {number}",
                remedy='Write it like {"file": "a.png", "caption": "a cat"}.',
            )
        yield file, caption
