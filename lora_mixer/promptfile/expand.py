"""Jobs times axes: every picture of a sheet, row by row, each with its labels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from lora_mixer.errors import ConfigError
from lora_mixer.promptfile.axes import WIDEST_LABEL, Axis, AxisValue
from lora_mixer.promptfile.copies import set_seed, values_of, with_seed
from lora_mixer.promptfile.plan import PlannedJob, PromptEntry, SheetPlan
from lora_mixer.request import RenderRequest

MAX_JOBS = 100_000
WIDEST_SHEET = 8
ONE_ROW = 5  # fewer pictures than this stand side by side
_new_entry, _new_job = PromptEntry._make, PlannedJob._make
_HERE = Axis(points=(AxisValue(label="", change=lambda request: request),))


def expand(
    entries: Sequence[PromptEntry],
    *,
    columns: Axis | None = None,
    rows: Axis | None = None,
    title: str = "",
    fresh: bool = False,
) -> tuple[tuple[PlannedJob, ...], SheetPlan]:
    """Return the pictures of a sheet in row-major order, and the sheet's labels.

    Without axes the pictures stand in a near square, each with its caption. With one axis the entries make up
    the other side; with two, each entry is a block of rows. Pictures of one entry share their seed unless an axis
    sets it. An entry that states none gets one that follows from its prompts, the same for every format; -1 is left to
    be drawn where a picture is rendered.

    Args:
        entries: The entries.
        columns: What varies along the columns.
        rows: What varies along the rows.
        title: The sheet's title.
        fresh: Nobody else has the entries' requests, so they may be completed in place.

    Raises:
        ConfigError: There are no pictures, or too many.
    """
    across, down = columns or _HERE, rows or _HERE
    count = sum(entry.pictures for entry in entries) * len(across.points) * len(down.points)
    if not count:
        raise ConfigError("there is nothing to render", remedy="Write one prompt a line, or [[jobs]] tables.")
    refuse_too_many(count)
    axes = columns is not None or rows is not None
    entries = list(_counted(entries if across.seeds or down.seeds else _seeded(entries, axes=axes, fresh=fresh)))
    if not axes:
        return _near_square(entries), SheetPlan(title=title, captions=True)
    if columns is None and rows is not None:
        return _entries_across(entries, rows, title)
    return _blocks(entries, across, down, title)


def refuse_too_many(count: int) -> None:
    """Raise if a file asks for more pictures than are taken.

    Raises:
        ConfigError: It does.
    """
    if count > MAX_JOBS:
        raise ConfigError(f"{count:,} pictures", remedy=f"Keep one file to {MAX_JOBS:,} pictures.")


def _counted(entries: Iterable[PromptEntry]) -> Iterator[PromptEntry]:
    """Yield every picture of the entries as an entry of its own that has a name."""
    for name, request, line, count in entries:
        called = name or request.prompt[:WIDEST_LABEL]
        if count == 1:
            yield _new_entry((called, request, line, 1))
            continue
        for number in range(count):
            seed = request.seed
            still = seed is None or seed < 0 or not number
            own = request if still else with_seed(request, (seed or 0) + number)
            yield PromptEntry(f"{called} ({number + 1})", own, line)


def _seeded(entries: Sequence[PromptEntry], *, axes: bool, fresh: bool) -> Iterator[PromptEntry]:
    """Yield the entries with seeds for those that state none: they follow from the prompts.

    An entry that is another's very like goes on counting where that one ended, or the two would be one picture. With
    axes, -1 is as good as nothing: the places of an entry share their seed.
    """
    alike = Counter(entry.request.prompt for entry in entries)
    seeds: dict[str, int] = {}
    counted: dict[object, int] = {}
    for entry in entries:
        name, asked, line, count = entry
        if asked.seed is not None and (asked.seed >= 0 or not axes):
            yield entry
            continue
        words = f"{asked.prompt}\0{asked.negative}"
        seed = seeds[words] = seeds.get(words) or _seed_of(words)
        if alike[asked.prompt] > 1:
            key = _key(asked)
            seed += counted.get(key, 0)
            counted[key] = counted.get(key, 0) + count
        if fresh:
            set_seed(asked, seed)
            yield entry
        else:
            yield PromptEntry(name, with_seed(asked, seed), line, count)


def _key(request: RenderRequest) -> object:
    """Return what equal requests share, and no others but by an accident that does no harm; block weights have no hash."""
    values = values_of(request)
    try:
        return request.prompt, hash(values)
    except TypeError:
        return repr(values)


def _seed_of(words: str) -> int:
    return int.from_bytes(sha256(words.encode("utf-8", "replace")).digest()[:4], "big")


def _near_square(entries: Sequence[PromptEntry]) -> tuple[PlannedJob, ...]:
    width = len(entries) if len(entries) < ONE_ROW else min(math.ceil(math.sqrt(len(entries))), WIDEST_SHEET)
    return tuple(
        _new_job((name, request, number // width, number % width, line))
        for number, (name, request, line, _) in enumerate(entries)
    )


def _entries_across(entries: Sequence[PromptEntry], rows: Axis, title: str) -> tuple[tuple[PlannedJob, ...], SheetPlan]:
    jobs = tuple(
        _job(entry, (point,), row, column)
        for row, point in enumerate(rows.points)
        for column, entry in enumerate(entries)
    )
    labels = tuple(entry.name for entry in entries) if len(entries) > 1 else ()
    return jobs, SheetPlan(columns=labels, rows=tuple(point.label for point in rows.points), title=title)


def _blocks(
    entries: Sequence[PromptEntry], across: Axis, down: Axis, title: str
) -> tuple[tuple[PlannedJob, ...], SheetPlan]:
    jobs: list[PlannedJob] = []
    labels: list[str] = []
    for entry in entries:
        for point in down.points:
            jobs += [_job(entry, (point, other), len(labels), x) for x, other in enumerate(across.points)]
            labels.append(_joined(entry.name if len(entries) > 1 else "", point.label))
    rows = tuple(labels) if any(labels) else ()
    return tuple(jobs), SheetPlan(columns=tuple(point.label for point in across.points), rows=rows, title=title)


def _job(entry: PromptEntry, points: Sequence[AxisValue], row: int, column: int) -> PlannedJob:
    request = entry.request
    for point in points:
        request = point.change(request)
    name = _joined(entry.name, *(point.label for point in points))
    return PlannedJob(name=name, request=request, row=row, column=column, line=entry.line)


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
