"""Suggest the nearest names for an unknown one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str], *, count: int = 3) -> tuple[str, ...]:
    """Return up to `count` known names close to this one, closest first, ignoring case.

    >>> nearest("pixel-art", ["pixel_art", "line_art", "top_hat"], count=1)
    ('pixel_art',)
    """
    by_folded: dict[str, str] = {}
    for candidate in known:
        by_folded.setdefault(candidate.casefold(), candidate)
    return tuple(by_folded[match] for match in get_close_matches(name.casefold()[:200], by_folded, n=count, cutoff=0.5))


def did_you_mean(name: str, known: Iterable[str], *, otherwise: str) -> str:
    """Return a remedy: the nearest names, or another sentence if none is near.

    >>> did_you_mean("sdlx", ["emoji", "sdxl"], otherwise="Known: emoji, sdxl.")
    'Did you mean sdxl?'
    """
    names = nearest(name, known)
    return f"Did you mean {' or '.join(names)}?" if names else otherwise
