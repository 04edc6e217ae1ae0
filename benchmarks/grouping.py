"""What grouping saves on a long queue of pictures, by prices measured on the embedded model: `python -m benchmarks.grouping`.

A simulation, nothing is rendered: 20,000 pictures of 400 mixes, popular ones far more often, four models and two sizes.
"""

from __future__ import annotations

import random
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from lora_mixer.hires import batch_key
from lora_mixer.mixes import LoraUse, Strength
from lora_mixer.request import RenderRequest
from lora_mixer.runs.batching import mix_key, plan_batches

BATCH, SIDE, MERGE, MODEL = 0.36, 0.35, 0.19, 0.5
"""In pictures' worth of time, as measured on the embedded model: what each batch adds, what the side path adds to a
picture, the merge of a mix; and the opening of a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What the cost of a picture depends on besides its neighbours."""

    model: Hashable
    shape: Hashable
    mix: Hashable


def queue_of(requests: Sequence[RenderRequest]) -> list[Picture]:
    """Return the pictures that requests ask for."""
    return [Picture(model=r.model, shape=batch_key(r), mix=mix_key(r)) for r in requests]


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


Places = Sequence[Sequence[int]]
PICTURES, MIXES, MODELS, BATCH_SIZE, WINDOWS = 20_000, 400, 4, 8, (100, 1_000, 20_000)


def queue() -> list[RenderRequest]:
    """Return the pictures that are asked for, in the order they come."""
    draw = random.Random(0)
    mixes = [
        tuple(LoraUse(name=f"lora{draw.randrange(60)}", strength=Strength(draw.choice((0.5, 0.8, 1.0)))) for _ in "ab")
        for _ in range(MIXES)
    ]
    popular = [1 / (rank + 1) for rank in range(MIXES)]
    return [
        RenderRequest(prompt="cat", loras=mix, model=f"m{draw.randrange(MODELS)}", width=draw.choice((512, 768)))
        for mix in draw.choices(mixes, popular, k=PICTURES)
    ]


def one_by_one(requests: Sequence[RenderRequest]) -> Places:
    """Return every picture as a batch of its own, in the order they come."""
    return [[place] for place in range(len(requests))]


def neighbours(requests: Sequence[RenderRequest]) -> Places:
    """Return the batches that neighbours make who share a shape, mixed as they come."""
    batches: list[list[int]] = []
    for place, request in enumerate(requests):
        last = batches[-1] if batches else []
        if last and len(last) < BATCH_SIZE and batch_key(requests[last[0]]) == batch_key(request):
            last.append(place)
        else:
            batches.append([place])
    return batches


def ordered(requests: Sequence[RenderRequest], window: int) -> Places:
    """Return the batches of our order, laid for so many pictures at a time."""
    return [
        [start + place for place in group]
        for start in range(0, len(requests), window)
        for group in plan_batches(requests[start : start + window], batch=BATCH_SIZE)
    ]


def main() -> None:
    """Print what each policy costs."""
    requests = queue()
    pictures = queue_of(requests)
    policies = {"one by one": one_by_one(requests), "neighbours": neighbours(requests)}
    policies |= {f"our order, {window:,} at a time": ordered(requests, window) for window in WINDOWS}
    print("| policy | batches | of one mix | pictures a batch | cost of a picture |\n|---|---|---|---|---|")
    for name, places in policies.items():
        batches = [[pictures[place] for place in group] for group in places]
        pure = sum(len({picture.mix for picture in group}) == 1 for group in batches) / len(batches)
        spent = cost(batches) / len(pictures)
        print(f"| {name} | {len(batches):,} | {pure:.0%} | {len(pictures) / len(batches):.1f} | {spent:.2f} |")


if __name__ == "__main__":
    main()
