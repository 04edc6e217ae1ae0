"""Captions as files: one beside each picture, or a table of them in its folder."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lora_mixer.errors import ConfigError, FileError
from lora_mixer.files import read_file

CAPTIONS = (".txt", ".caption")
TABLES = ("captions.jsonl", "metadata.jsonl", "captions.toml")
_TEXT_BYTES = 64 * 1024
_TABLE_BYTES = 64 * 1024 * 1024


class CaptionFiles:
    """The captions of a folder's pictures: beside each, then in the folder's table, then in that of the folder above.

    Args:
        folder: The folder.
        above: Rows of the table of the folder above, by what they call the picture.

    Raises:
        ConfigError: The folder's table cannot be read.
    """

    def __init__(self, folder: Path, above: Mapping[str, str]) -> None:
        self._path, self._rows = _table(folder)
        self._above = above
        self._used: set[str] = set()

    def of(self, picture: Path, left_out: dict[Path, str]) -> str:
        """Return a picture's caption; empty if nothing says one."""
        rows = [name for name in (picture.name, picture.stem) if name in self._rows]
        self._used.update(rows)
        beside = _caption(picture, left_out)
        if beside is not None:
            return beside
        if rows:
            return self._rows[rows[0]]
        return self._above.get(picture.name, self._above.get(picture.stem, ""))

    def below(self, folder: str) -> Mapping[str, str]:
        """Return the rows that name pictures in a folder of the folder."""
        start = f"{folder}/"
        own = {name: caption for name, caption in self._rows.items() if name.replace("\\", "/").startswith(start)}
        self._used.update(own)
        return {name.replace("\\", "/").removeprefix(start): caption for name, caption in own.items()}

    def tell_unused(self, left_out: dict[Path, str]) -> None:
        """Tell which rows name no picture."""
        unused = [name for name in self._rows if name not in self._used]
        if unused and self._path is not None:
            more = f" and {len(unused) - 1} more" if len(unused) > 1 else ""
            left_out[self._path] = f"there is no picture {unused[0]!r}{more}, which it has captions for"


def _caption(path: Path, left_out: dict[Path, str]) -> str | None:
    """Return the caption beside a picture; None if there is none."""
    for ending in CAPTIONS:
        beside = path.with_suffix(ending)
        if beside.is_file():
            try:
                return " ".join(read_file(beside, at_most=_TEXT_BYTES).decode("utf-8-sig").split())
            except (FileError, UnicodeDecodeError) as error:
                left_out[beside] = f"the caption cannot be read ({error}); the picture is learned without one"
    return None


def _table(folder: Path) -> tuple[Path | None, Mapping[str, str]]:
    """Return a folder's table of captions, and its rows by what they call the picture."""
    for name in TABLES:
        path = folder / name
        if path.is_file():
            try:
                text = read_file(path, at_most=_TABLE_BYTES).decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise ConfigError("it is not UTF-8", where=str(path), remedy="Save it as UTF-8.") from error
            rows = _toml_rows(text, path) if path.suffix == ".toml" else _json_rows(text, path)
            return path, dict(_named(rows, path))
    return None, {}


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
