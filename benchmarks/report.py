"""What a measure says: ours, the peer's, their ratio, the bar and whether it holds."""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

HEAD = ("measure", "ours", "peer", "peer's", "ratio", "bar", "holds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; values are medians, in seconds unless the measure names another unit.

    Attributes:
        measure: What was measured, and where.
        ours: Our value.
        peer: What it is held against.
        peer_value: Its value in the same run.
        ratio: Ours by the peer's.
        bar: The highest ratio that will do; None where the figure is given for information.
        holds: Whether it will; None without a bar.
    """

    measure: str
    ours: float
    peer: str
    peer_value: float
    ratio: float
    bar: float | None
    holds: bool | None


def row(measure: str, ours: float, peer: str, peer_value: float, *, bar: float | None = None) -> Row:
    """Return a row with its ratio and verdict."""
    ratio = ours / peer_value
    holds = None if bar is None else ratio <= bar
    return Row(measure=measure, ours=ours, peer=peer, peer_value=peer_value, ratio=ratio, bar=bar, holds=holds)


def medians(tasks: Sequence[Callable[[], object]], *, repetitions: int) -> list[float]:
    """Return the median seconds of several tasks, run in turn (A B A B); the first round warms up and is left out."""
    spent: list[list[float]] = [[] for _ in tasks]
    gc.disable()
    for _ in range(repetitions + 1):
        for task, times in zip(tasks, spent, strict=True):
            begun = time.perf_counter()
            task()
            times.append(time.perf_counter() - begun)
    gc.enable()
    return [statistics.median(times[1:]) for times in spent]


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    for r in rows:
        verdict = {True: "yes", False: "NO", None: ""}[r.holds]
        bar = "" if r.bar is None else f"{r.bar:.4g}"
        lines.append(
            f"| {r.measure} | {r.ours:.4g} | {r.peer} | {r.peer_value:.4g} | {r.ratio:.3g} | {bar} | {verdict} |"
        )
    return "\n".join(lines)


def finish(rows: Sequence[Row]) -> None:
    """Print the rows; with a path as the first argument, write them there as JSON."""
    print(table(rows), flush=True)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps([asdict(r) for r in rows], indent=1) + "\n", encoding="utf-8")
