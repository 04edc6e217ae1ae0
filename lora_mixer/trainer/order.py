"""Which pictures a step shows: a function of the seed and the step alone, so that a resumed training sees the same."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache


class Order:
    """The order of an epoch's batches, each within one bucket.

    Args:
        buckets: The numbers of each bucket's examples, each as often as it is repeated.
        batch: Pictures a batch; the last of a bucket may have fewer.
        seed: Of the order.
    """

    def __init__(self, buckets: Sequence[Sequence[int]], batch: int, seed: int) -> None:
        self._buckets = tuple(tuple(numbers) for numbers in buckets)
        self._batch, self._seed = batch, seed
        self.batches = sum(-(-len(numbers) // batch) for numbers in self._buckets)
        self._epoch = lru_cache(maxsize=2)(self._shuffled)

    def at(self, index: int) -> tuple[int, ...]:
        """Return the examples of the batch of this index, from 0 on without end."""
        epoch, place = divmod(index, self.batches)
        return self._epoch(epoch)[place]

    def _shuffled(self, epoch: int) -> tuple[tuple[int, ...], ...]:
        rng = random.Random(f"{self._seed}:{epoch}")  # noqa: S311 - an order, no secret
        batches = []
        for numbers in self._buckets:
            mixed = list(numbers)
            rng.shuffle(mixed)
            batches += [tuple(mixed[i : i + self._batch]) for i in range(0, len(mixed), self._batch)]
        rng.shuffle(batches)
        return tuple(batches)
