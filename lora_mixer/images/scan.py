"""A hand-written scanner for one line of `Key: value, Key: value`, linear in the line's length whatever it holds.

A1111 reads the line by a regular expression that drops what it does not match (one-letter keys, keys with brackets,
bare flags). Here every entry ends as a pair.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

MAX_JSON_DEPTH = 32


@dataclass(slots=True)
class _Line:
    text: str
    quotes_close: bool = True
    brackets_close: bool = True


def scan_fields(line: str) -> tuple[tuple[str, str], ...]:
    r"""Split a parameters line into pairs, in order; a bare flag `X` becomes `(X, X)`.

    >>> scan_fields('Steps: 20, Lora hashes: "a: 12, b: 34", Tiling')
    (('Steps', '20'), ('Lora hashes', 'a: 12, b: 34'), ('Tiling', 'Tiling'))
    """
    state, pairs, at = _Line(line), [], 0
    while at < len(line):
        pair, at = _entry(state, at)
        if pair:
            pairs.append(pair)
    return tuple(pairs)


def quote_value(value: str) -> str:
    r"""Return a value as A1111 writes it: as JSON if it would not read back bare.

    >>> quote_value("a: b"), quote_value("Euler a")
    ('"a: b"', 'Euler a')
    """
    bare = not any(mark in value for mark in ",:\n\r") and value == value.strip() and value[:1] not in {'"', "{", "["}
    return value if bare else json.dumps(value, ensure_ascii=False)


def _entry(state: _Line, at: int) -> tuple[tuple[str, str] | None, int]:
    text = state.text
    end = _until(text, ",", at)
    colon = text.find(":", at, end)
    if colon < 0:
        flag = text[at:end].strip()
        return ((flag, flag) if flag else None), end + 1
    key = text[at:colon].strip()
    value, after = _value(state, colon + 1)
    return ((key, value) if key else None), after + 1


def _value(state: _Line, at: int) -> tuple[str, int]:
    text = state.text
    while at < len(text) and text[at].isspace():
        at += 1
    if text[at : at + 1] == '"' and state.quotes_close:
        found = _quoted(state, at)
        if found:
            return found
    if text[at : at + 1] in {"{", "["} and state.brackets_close:
        end = _balanced(text, at)
        state.brackets_close = end is not None
        if end is not None and _ends_entry(text, end):
            return text[at:end], _until(text, ",", end)
    end = _until(text, ",", at)
    return text[at:end].strip(), end


def _quoted(state: _Line, at: int) -> tuple[str, int] | None:
    text, end = state.text, at + 1
    while end < len(text) and text[end] != '"':
        end += 2 if text[end] == "\\" else 1
    state.quotes_close = end < len(text)
    if not state.quotes_close or not _ends_entry(text, end + 1):
        return None
    raw = text[at : end + 1]
    try:
        value = str(json.loads(raw)).encode("utf-8", "replace").decode()  # halves of characters have no place in a file
        return value, _until(text, ",", end + 1)
    except ValueError:
        return raw, _until(text, ",", end + 1)


def _balanced(text: str, at: int) -> int | None:
    """Return the end of the JSON object or array that starts here, or None if it never closes."""
    depth, quoted = 0, False
    while at < len(text):
        char = text[at]
        if quoted:
            at += 1 if char == "\\" else 0
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
            if not depth:
                return at + 1
        if depth > MAX_JSON_DEPTH:
            return None
        at += 1
    return None


def _ends_entry(text: str, at: int) -> bool:
    while at < len(text) and text[at] in " \t\r":
        at += 1
    return at >= len(text) or text[at] == ","


def _until(text: str, mark: str, at: int) -> int:
    found = text.find(mark, at)
    return len(text) if found < 0 else found
