"""What a queue of pictures costs in a given order, and the least it could cost."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from lora_mixer.batch.order import mix_key, shape_key
from lora_mixer.request import RenderRequest

BATCH, SIDE, MERGE, MODEL = 0.36, 0.35, 0.19, 0.5
"""In pictures' worth of time, as measured on the embedded model: what each batch adds, what the side path adds to a
picture, the merge of a mix; and the opening of a model."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    model: Hashable
    shape: Hashable
    mix: Hashable


def queue_of(requests: Sequence[RenderRequest]) -> list[Picture]:
    return [Picture(model=r.model, shape=shape_key(r), mix=mix_key(r)) for r in requests]


def cost(batches: Sequence[Sequence[Picture]]) -> float:
    """Return the time that batches take in this order; a merged mix is kept while its model is open."""
    spent, model, merged = 0.0, object(), set[Hashable]()
    for group in batches:
        if group[0].model != model:
            model, merged = group[0].model, set()
            spent += MODEL
        mixes = {picture.mix for picture in group}
        merge, beside = (0.0 if mixes <= merged else MERGE), SIDE * len(group)
        merges = len(mixes) == 1 and merge <= beside
        merged |= mixes if merges else set()
        spent += BATCH + len(group) + (merge if merges else beside)
    return spent


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
