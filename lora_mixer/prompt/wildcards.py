"""Wildcards: lists of words in `.txt` and `.yaml` files, by name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from fnmatch import translate
from functools import cached_property
from pathlib import Path

from lora_mixer.errors import ConfigError, FileError, PromptError
from lora_mixer.files import read_file
from lora_mixer.wording import page

_MAX_BYTES = 16 * 2**20
_YAML_LINE = re.compile(r"(?P<indent> *)(?:-\s+(?P<item>.*\S)|(?P<key>[^:#\s][^:]*?)\s*:(?:\s+(?P<value>.*\S))?)\s*")
_ITEM_OF_FLOW = re.compile(r"\s*(?:\"((?:[^\"\\]|\\.)*)\"|'((?:[^']|'')*)'|([^,]*[^,\s])|)\s*(?:,|$)")


class Wildcards:
    """The wildcards of some folders. Files are listed at the first use and read when named.

    Args:
        folders: Where they lie; the first folder that has a name wins.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(folders)
        self._read: dict[Path, Mapping[str, tuple[str, ...]]] = {}

    def values(self, name: str, *, at: int) -> tuple[str, ...]:
        """Return every value of a wildcard; a name with `*` takes every list it fits.

        Raises:
            PromptError: There is no such wildcard; the nearest name is in the text.
            ConfigError: Its file cannot be read.
        """
        wanted = name.strip().strip("/")
        if "*" in wanted:
            fits = re.compile(translate(wanted))
            return tuple(dict.fromkeys(v for n in sorted(self._lists) if fits.match(n) for v in self._list(n)))
        if wanted not in self._lists:
            near = difflib.get_close_matches(wanted, self._lists, n=1)
            hint = f"Did you mean __{near[0]}__?" if near else "Put a .txt or .yaml file of that name into the folder."
            raise PromptError(f"there is no wildcard __{name}__", position=at, remedy=hint)
        return self._list(wanted)

    @cached_property
    def _lists(self) -> dict[str, tuple[Path, str | None]]:
        """Name -> the file it stands in and, for YAML, the key."""
        lists: dict[str, tuple[Path, str | None]] = {}
        for folder in self._folders:
            for path in sorted(folder.rglob("*")):
                name = path.relative_to(folder).with_suffix("").as_posix()
                if path.suffix == ".txt":
                    lists.setdefault(name, (path, None))
                elif path.suffix in {".yaml", ".yml"}:
                    for key in self._yaml(path):
                        lists.setdefault(key or name, (path, key))
        return lists

    def _list(self, name: str) -> tuple[str, ...]:
        path, key = self._lists[name]
        if key is not None:
            return self._yaml(path)[key]
        lines = (line.strip() for line in self._text(path).splitlines())
        return tuple(line for line in lines if line and not line.startswith("#"))

    def _yaml(self, path: Path) -> Mapping[str, tuple[str, ...]]:
        if path not in self._read:
            self._read[path] = read_yaml(self._text(path), where=str(path))
        return self._read[path]

    def _text(self, path: Path) -> str:
        folder = next(folder for folder in self._folders if path.is_relative_to(folder))
        try:
            return read_file(path, at_most=_MAX_BYTES, inside=folder).decode("utf-8-sig")
        except FileError as error:
            what = f"the wildcard file cannot be read: {error.what}"
            raise ConfigError(what, where=str(path), remedy=error.remedy) from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"the wildcard file cannot be read ({error})", where=str(path)) from error


def read_yaml(text: str, *, where: str) -> dict[str, tuple[str, ...]]:
    """Return the lists of a YAML file by their path of keys, joined by `/`; a list at the top has the key "".

    Read is what wildcard files are made of: nested keys, lists of plain or quoted words, comments.

    Raises:
        ConfigError: A line is something else.
    """
    lists: dict[str, list[str]] = {}
    keys: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith(("#", "---", "...")):
            continue
        match = _YAML_LINE.fullmatch(line)
        if match is None:
            raise ConfigError(
                "this line is no key and no list item",
                where=f"{where}:{number}",
                remedy=f"The form is in {page('prompts')}.",
            )
        indent = len(match["indent"])
        while keys and (keys[-1][0] > indent or (match["key"] and keys[-1][0] == indent)):
            keys.pop()
        if match["key"]:
            keys.append((indent, _scalar(match["key"])))
        path = "/".join(key for _, key in keys)
        if match["item"]:
            lists.setdefault(path, []).append(_scalar(match["item"]))
        elif match["value"] and not match["value"].startswith("#"):
            lists.setdefault(path, []).extend(_flow(match["value"]))
    return {path: tuple(values) for path, values in lists.items()}


def _scalar(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return re.split(r"\s#", text, maxsplit=1)[0].rstrip()


def _flow(text: str) -> list[str]:
    """Return the items of `[a, "b"]`, or the lone value."""
    if not (text.startswith("[") and text.endswith("]")):
        return [_scalar(text)]
    found = (match[0].strip().removesuffix(",").strip() for match in _ITEM_OF_FLOW.finditer(text[1:-1]))
    return [_scalar(item) for item in found if item]
