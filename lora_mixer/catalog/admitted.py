"""Look up names from pictures without treating any as a file path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_ADMITTED: ContextVar[Mapping[str, Path] | None] = ContextVar("admitted", default=None)


@contextmanager
def names_only(admitted: Mapping[str, Path]) -> Iterator[None]:
    """Look names up by name and digest alone, in this thread and while the body runs.

    Args:
        admitted: Files given locally, by the names they stand for.
    """
    before = _ADMITTED.set(admitted)
    try:
        yield
    finally:
        _ADMITTED.reset(before)


def admitted_files() -> Mapping[str, Path] | None:
    """Return the files that are admitted by name; None where a name may be a path."""
    return _ADMITTED.get()
