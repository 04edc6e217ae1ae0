"""Which brackets A1111 reads as schedules: its grammar accepts a clause as a whole or not at all.

Inside a bracket everything must be well formed; only at the outermost level may brackets and colons stand alone.
A `|` that stands anywhere but in a well-formed alternation makes the whole clause plain text.
"""

from __future__ import annotations

from dataclasses import dataclass

from lora_mixer.prompt.lexer import lex
from lora_mixer.prompt.limits import MAX_TOKENS
from lora_mixer.prompt.tags import number


@dataclass(slots=True)
class _Open:
    """An open bracket."""

    character: str
    at: int
    colons: int = 0
    bars: int = 0
    last_colon: int = 0
    last_inner: int = 0  # where the last bracket inside ended
    sound: bool = True


def schedulable(text: str, start: int, end: int, *, bare_escapes: bool = True) -> frozenset[int] | None:
    """Return where the `[` of schedules and alternations stand, or None if A1111 takes the clause literally.

    So is a clause with more than `MAX_TOKENS` brackets and separators.
    """
    stack: list[_Open] = []
    found: set[int] = set()
    left = MAX_TOKENS
    for kind, at, stop in lex(text, start, end, bare_escapes=bare_escapes):
        if kind in {"text", "comment", "break", "and", "tag", "angle", "empty", "rest"}:
            continue
        if kind == "escape":
            if stop == at + 1 and text[stop : min(stop + 1, end)] in {"", "\n", "#"}:
                return None  # nothing is left on its line for it to escape
            continue
        left -= stop - at
        if left < 0:
            return None
        for place in range(at, stop):
            if not _take(text, place, stack, found):
                return None
    return None if any(opened.bars for opened in stack) else frozenset(found)


def _take(text: str, at: int, stack: list[_Open], found: set[int]) -> bool:
    character = text[at]
    if character in "([":
        stack.append(_Open(character, at))
    elif character in ")]":
        return _close(text, at, stack, found)
    elif character == "|":
        if not stack or stack[-1].character == "(":
            return False
        stack[-1].bars += 1
    elif character == ":" and stack:
        stack[-1].colons += 1
        stack[-1].last_colon = at
    return True


def _close(text: str, at: int, stack: list[_Open], found: set[int]) -> bool:
    """End the innermost bracket; False if a `|` was left without a home."""
    pairs = {"(": ")", "[": "]"}
    if not stack or pairs[stack[-1].character] != text[at]:
        homeless = any(opened.bars for opened in stack)
        stack.clear()
        return not homeless
    bracket = stack.pop()
    sound = bracket.sound and _well_formed(text, at, bracket)
    if stack:
        stack[-1].last_inner = at
        stack[-1].sound &= sound  # and so on outwards, as each one closes
    if not sound:
        return not bracket.bars
    if bracket.character == "[" and (bracket.bars or bracket.colons):
        found.add(bracket.at)
    return True


def _well_formed(text: str, at: int, bracket: _Open) -> bool:
    if bracket.character == "(":
        return bracket.colons <= 1
    if bracket.bars:
        return bracket.colons == 0
    if bracket.colons == 0:
        return True
    plain_end = bracket.colons <= 2 and bracket.last_inner < bracket.last_colon
    return plain_end and number(text[bracket.last_colon + 1 : at]) is not None
