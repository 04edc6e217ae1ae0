"""Ratios as Regional Prompter writes them: `1,2,1` along one side, `1,2,1;2,1` for lines of cells.

Source: the README of hako-mikan's sd-webui-regional-prompter ("2D region assignment") and what its code says of how numbers
are matched with regions. A line of a 2-D ratio begins with the line's own size, and the sizes of its cells follow. Numbers that
are missing are the last before them; those that are left over begin the next line, its own size first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from lora_mixer.errors import RequestError
from lora_mixer.places import Rectangle

LONGEST = 1000
"""Letters of a ratio."""

Lines = list[list[float]]


def ratio_lines(text: str, *, outer: str, inner: str, empty: float = 1.0) -> Lines:
    """Return the numbers of a ratio, a list for each line.

    Args:
        text: The ratio.
        outer: What stands between lines.
        inner: What stands between the numbers of a line.
        empty: The number of a place where none stands.

    Raises:
        RequestError: A number is negative or none.
    """
    if len(text) > LONGEST:
        raise RequestError(f"a ratio has {len(text)} letters", remedy=f"{LONGEST} are the most.")
    return [[_number(part, empty) for part in line.split(inner)] for line in text.split(outer)]


def fitted(lines: Lines, counts: Sequence[int], *, headed: bool) -> tuple[list[float], Lines]:
    """Return the sizes of lines, and those of the cells of each, for so many cells in each line.

    >>> fitted([[1, 2, 3], [4]], [2, 3], headed=True)
    ([1, 4], [[2, 3], [4, 4, 4]])

    Args:
        lines: What is written.
        counts: How many cells each line has.
        headed: Whether what is written begins with the size of its line.
    """
    heads, cells = list[float](), Lines()
    for written in lines:
        rest = list(written)
        while len(cells) < len(counts):
            count = counts[len(cells)]
            heads += rest[:1]
            rest = rest[1:] if headed and len(rest) > 1 else rest
            cells.append((rest + rest[-1:] * count)[:count])
            if len(rest) <= count:
                break
            rest = rest[count:]
    cells += [lines[-1][-1:] * count for count in counts[len(cells) :]]
    return heads + heads[-1:] * (len(counts) - len(heads)), cells


def cell_counts(text: str, *, rows: bool) -> list[int]:
    """Return how many cells each line of a ratio has.

    >>> cell_counts("1,1,1", rows=False), cell_counts("1,2,3;1,1", rows=False), cell_counts("1;1,2;1", rows=True)
    ([3], [2, 1], [1, 1])
    """
    if ";" not in text:
        return [text.count(",") + 1]
    outer, inner = (",", ";") if rows else (";", ",")
    return [max(line.count(inner), 1) for line in text.split(outer)]


def cells_of(counts: Sequence[int], ratios: str, *, rows: bool) -> Iterator[Rectangle | None]:
    """Yield where the cells of lines lie, line by line; None for one that has no size.

    Args:
        counts: How many cells each line has.
        ratios: Their sizes; empty: all alike.
        rows: Lines stand side by side and their cells one below the other; else lines are rows of cells.

    Raises:
        RequestError: The ratios are no sizes.
    """
    outer, inner = (",", ";") if rows else (";", ",")
    if (
        ratios and ";" not in ratios and (len(counts) == 1 or set(counts) == {1})
    ):  # one direction alone: all are sizes of it
        numbers = [number for line in ratio_lines(ratios, outer=";", inner=",") for number in line]
        lines = [[1.0, *numbers]] if len(counts) == 1 else [[number, 1.0] for number in numbers]
    else:
        lines = ratio_lines(ratios, outer=outer, inner=inner)
    heads, cells = fitted(lines, counts, headed=True)
    for across, line in zip(_edges(heads), cells, strict=True):
        for along in _edges(line):
            (left, right), (top, bottom) = (across, along) if rows else (along, across)
            empty = left == right or top == bottom
            yield None if empty else Rectangle(left=left, top=top, right=right, bottom=bottom)


def base_shares(counts: Sequence[int], text: str, *, rows: bool) -> list[float]:
    """Return how much of the base prompt each cell has, line by line.

    Raises:
        RequestError: It is no share.
    """
    outer, inner = (",", ";") if rows else (";", ",")
    shares = [
        share
        for line in fitted(ratio_lines(text, outer=outer, inner=inner, empty=0.0), counts, headed=False)[1]
        for share in line
    ]
    if any(share > 1.0 for share in shares):
        raise RequestError(f"the base ratio {text[:40]!r} is no share", remedy="Use 0 to 1.")
    return shares


def _edges(sizes: Sequence[float]) -> list[tuple[float, float]]:
    total = sum(sizes)
    if not total > 0.0:
        raise RequestError("a ratio of nothing but 0 divides nothing", remedy="Write sizes like 1,2,1.")
    edges = [0.0, *(size / total for size in accumulate(sizes))]
    return list(pairwise(edges))


def _number(text: str, empty: float) -> float:
    try:
        value = float(text)
    except ValueError:
        return empty
    if not (math.isfinite(value) and 0.0 <= value <= 1e9):
        raise RequestError(f"{text.strip()[:20]!r} in a ratio is no size", remedy="Write sizes like 1,2,1.")
    return value
