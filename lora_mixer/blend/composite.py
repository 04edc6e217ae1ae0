"""Composite: each LoRA predicts by itself, and the predictions are averaged.

Composite (Zhong et al. 2024, arXiv:2402.16843, section 3.3, eq. 4), k LoRAs, cfg scale s, every w_i = 1:

    e~(z_t, c) = 1/k sum_i w_i [ e_i(z_t) + s (e_i(z_t, c) - e_i(z_t)) ]

with e_i the denoiser under LoRA i alone, for the text and for what to steer away from. W-Composite (Tsoumplekas et al. 2026,
arXiv:2606.03792) weighs them by how near each LoRA's words are to the text, w_i ~ cos(e(text), e(words of i)).

Each LoRA has rows of its own in the batch, and its text is encoded under it alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lora_mixer.blend.arrange import MixRow, Placed, Scene


def composite(mix: Sequence[Placed], _scene: Scene) -> tuple[MixRow, ...]:
    """Return a row an adapter, all of one weight."""
    return tuple(MixRow(group, 1 / len(mix)) for group in mix)


def weighted_composite(mix: Sequence[Placed], scene: Scene) -> tuple[MixRow, ...]:
    """Return a row an adapter, each weighing as its words are near to the text."""
    shares = scene.alike([group[0].adapter for group in mix])
    total = math.fsum(shares)
    return tuple(MixRow(group, share / total) for group, share in zip(mix, shares, strict=True))
