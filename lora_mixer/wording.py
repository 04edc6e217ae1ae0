"""Phrases: counts, and the path of a documentation page."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun.

    >>> counted(1, "picture"), counted(1200, "picture"), counted(2, "entry", "entries")
    ('1 picture', '1,200 pictures', '2 entries')
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def page(name: str) -> Path:
    """Return a page of the documents on this machine: in the wheel, or in a checkout's `docs/`.

    >>> page("prompts").is_file()
    True
    """
    in_wheel = _PACKAGE / "data" / "docs" / f"{name}.md"
    return in_wheel if in_wheel.is_file() else _PACKAGE.parent / "docs" / f"{name}.md"
