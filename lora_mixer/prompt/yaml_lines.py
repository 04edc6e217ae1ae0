"""Read almost-YAML wildcard files line by line: keys, items, comments."""

from __future__ import annotations

import re


def read_lines_leniently(text: str) -> dict[str, tuple[str, ...]] | None:
    """Return the lists of a file by their path of keys; None if a line is no key and no list item."""
    lists: dict[str, list[str]] = {}
    keys: list[tuple[int, str]] = []
    for line in text.splitlines():
        body = line.strip()
        if not body or body.startswith(("#", "---", "...")):
            continue
        indent = len(line) - len(line.lstrip())
        key, item = _key_or_item(body)
        if key is None and item is None:
            return None
        while keys and (keys[-1][0] > indent or (key is not None and keys[-1][0] == indent)):
            keys.pop()
        if key is not None:
            keys.append((indent, key))
        if item:
            lists.setdefault("/".join(name for _, name in keys), []).append(item)
    return {path: tuple(values) for path, values in lists.items()}


def _key_or_item(body: str) -> tuple[str | None, str | None]:
    """Return the key of a line and what it says, if it has one, else the item it is, else nothing."""
    if body == "-" or body.startswith("- "):
        return None, _scalar(body[1:].strip())
    key, colon, value = body.partition(":")
    if not colon or not key.strip() or (value and not value[0].isspace()):
        return None, None
    value = value.strip()
    return _scalar(key.strip()), None if value.startswith("#") else _scalar(value)


def _scalar(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return re.split(r"\s#", text, maxsplit=1)[0].rstrip()
