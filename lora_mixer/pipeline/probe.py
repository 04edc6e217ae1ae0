"""The probe: a few steps without LoRAs, to see where the things that a prompt speaks of come to lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import torch
from PIL import Image

from lora_mixer.blend.auto_places import find_masks, with_rims
from lora_mixer.blend.masks import levels
from lora_mixer.files import Leases
from lora_mixer.images.drawn_masks import drawn_mask
from lora_mixer.kernels import AttentionWatch
from lora_mixer.models import using_threads
from lora_mixer.pipeline.job import Job, Pass
from lora_mixer.pipeline.loaded_model import LoadedModel
from lora_mixer.pipeline.passes import PassRun
from lora_mixer.places import DrawnMask
from lora_mixer.render_options import RenderOptions

SHARE_OF_STEPS = 0.3
"""How much of a render the probe takes: FreeFuse's demo takes 10 steps of 30."""

FINEST = 32
"""The longer side, in places, of the finest layers that may be looked at: finer ones see strokes."""


def steps_of(total: int) -> int:
    """Return how many steps the probe takes before a pass of so many."""
    return max(round(SHARE_OF_STEPS * total), 1)


def probe(
    loaded: LoadedModel, job: Job, options: RenderOptions | None = None, check: Callable[[], None] = lambda: None
) -> tuple[DrawnMask, ...]:
    """Return where the things lie that a job seeks, in their order: masks that do not overlap.

    Args:
        loaded: The open model.
        job: The picture without LoRAs and regions; its first pass is begun, from its own noise.
        options: How it is computed.
        check: Called before every step; raises to cancel.

    Raises:
        ChangedFileError: A file that decides the picture was written since it was opened.
    """
    chosen = (options or RenderOptions()).over(loaded.defaults)
    first = job.passes[0]
    count = min(steps_of(first.settings.steps), first.settings.steps)
    size = _watched(loaded, first)
    watch = AttentionWatch(row=-1, words=_positions(loaded, first, count - 1, job.seeks), places=size[0] * size[1])
    loaded.rest()
    with using_threads(chosen.threads), loaded.kernels.on(), Leases((*loaded.model.seals, *job.files)):
        run = PassRun(loaded, (first,), engine=None, tiled=False)
        run.watch(count - 1, watch)
        steps = run.steps(None)
        try:
            for _ in islice(steps, count):
                check()
        finally:
            steps.close()
    masks = with_rims(find_masks(watch.heard(), watch.seen(), size))
    return tuple(drawn_mask(Image.fromarray((mask * 255).to(torch.uint8).cpu().numpy())) for mask in masks)


def _positions(loaded: LoadedModel, one: Pass, step: int, seeks: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    text = one.at(step).positive[-1]
    return tuple(loaded.texts.positions(text, words) for words in seeks)


def _watched(loaded: LoadedModel, one: Pass) -> tuple[int, int]:
    """Return the size of the layers that are looked at: the finest that is not too fine."""
    scale = loaded.model.latent_scale
    sizes = list(levels(one.settings.height // scale, one.settings.width // scale))
    return next((size for size in sizes if max(size) <= FINEST), sizes[-1])
