"""What a measure says: ours, the peer's, their ratio, the bar and whether it holds."""

from __future__ import annotations

import gc
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from operator import sub
from pathlib import Path

import torch

HEAD = ("measure", "ours", "peer", "peer's", "ratio", "bar", "holds", "by the limit")
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
CLOCK_NAME = os.environ.get("BENCH_CLOCK", "wall")
CLOCK = CLOCKS[CLOCK_NAME]
"""`BENCH_CLOCK=cpu` counts the seconds this process computes: for a machine that others use, with one thread."""


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
        limit: What ours would be at the machine's best: flops at the speed of its fastest product, bytes at that of
            a copy; None where neither bounds it.
        machine: On what it was measured; with the load it had (processes that ran or waited, over a minute).
    """

    measure: str
    ours: float
    peer: str
    peer_value: float
    ratio: float
    bar: float | None
    holds: bool | None
    limit: float | None = None
    machine: str = ""


def row(
    measure: str, ours: float, peer: str, peer_value: float, *, bar: float | None = None, limit: float | None = None
) -> Row:
    """Return a row with its ratio and verdict."""
    ratio = ours / peer_value
    holds = None if bar is None else ratio <= bar
    return Row(
        measure=measure,
        ours=ours,
        peer=peer,
        peer_value=peer_value,
        ratio=ratio,
        bar=bar,
        holds=holds,
        limit=limit,
        machine=machine(),
    )


@cache
def machine() -> str:
    """Return what this process measures on: processor, threads, versions, clock, and how busy the machine is."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    found = ", ".join(f"{name} {version(name)}" for name in ("torch", "diffusers", "peft"))
    threads = f"{torch.get_num_threads()} of {os.cpu_count()} cores"
    return f"{model}, {threads}, {found}, {CLOCK_NAME} clock, load {os.getloadavg()[0]:.1f}"


def medians(
    tasks: Sequence[Callable[[], object]],
    *,
    repetitions: int,
    warm: bool = True,
    before: Sequence[Callable[[], object]] = (),
) -> list[float]:
    """Return the median seconds of several tasks, run in turn (A B A B); see `in_turn`."""
    return [statistics.median(times) for times in in_turn(tasks, repetitions=repetitions, warm=warm, before=before)]


def beyond_the_first(
    tasks: Sequence[Callable[[], object]], *, repetitions: int, before: Sequence[Callable[[], object]] = ()
) -> list[float]:
    """Return the median seconds of the first task, and what each other takes beyond it within a round, by the median.

    A machine that is slow for a minute is slow for a whole round, so the differences are steadier than the times.
    """
    first, *others = in_turn(tasks, repetitions=repetitions, before=before)
    beyond = [statistics.median(map(sub, times, first)) for times in others]
    return [statistics.median(first), *beyond]


def in_turn(
    tasks: Sequence[Callable[[], object]],
    *,
    repetitions: int,
    warm: bool = True,
    before: Sequence[Callable[[], object]] = (),
) -> list[list[float]]:
    """Return the seconds of several tasks, run in turn (A B A B).

    Args:
        tasks: What is measured.
        repetitions: How often each.
        warm: Whether a first round is left out.
        before: What is done before each task and not measured.
    """
    spent: list[list[float]] = [[] for _ in tasks]
    gc.collect()
    gc.disable()
    for _ in range(repetitions + warm):
        for task, prepare, times in zip(tasks, before or [lambda: None] * len(tasks), spent, strict=True):
            prepare()
            begun = CLOCK()
            task()
            times.append(CLOCK() - begun)
    gc.enable()
    return [times[int(warm) :] for times in spent]


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    for r in rows:
        verdict = {True: "yes", False: "NO", None: ""}[r.holds]
        bar = "" if r.bar is None else f"{r.bar:.4g}"
        limit = "" if r.limit is None else f"{r.ours / r.limit:.2f}"
        values = (r.measure, f"{r.ours:.4g}", r.peer, f"{r.peer_value:.4g}", f"{r.ratio:.3g}", bar, verdict, limit)
        lines.append(f"| {' | '.join(values)} |")
    return "\n".join(lines)


def finish(rows: Sequence[Row]) -> None:
    """Print the rows; with a path as the first argument, write them there as JSON."""
    print(table(rows), flush=True)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps([asdict(r) for r in rows], indent=1) + "\n", encoding="utf-8")
