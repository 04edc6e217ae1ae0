"""The least a queue of pictures could cost, found by trying every division into batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.grouping import Picture, cost


def least(queue: Sequence[Picture], batch: int) -> float:
    """Return what the best of all divisions into batches costs, each tried, every model opened once."""
    models = {picture.model for picture in queue}
    alike = [[picture for picture in queue if picture.model == model] for model in models]
    return sum(min(map(cost, _divisions(pictures, batch))) for pictures in alike)


def _divisions(queue: Sequence[Picture], batch: int) -> Iterator[list[list[Picture]]]:
    if not queue:
        yield []
        return
    *before, last = queue
    for division in _divisions(before, batch):
        for at, group in enumerate(division):
            if len(group) < batch and group[0].shape == last.shape:
                yield [*division[:at], [*group, last], *division[at + 1 :]]
        yield [*division, [last]]
