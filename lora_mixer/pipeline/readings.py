"""What the rows of a batch read: each one text, or several where regions have their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lora_mixer.blend import Stack
from lora_mixer.blend.masks import levels
from lora_mixer.conditioning import TextEmbeds, repeat_to_common_length
from lora_mixer.kernels import Coupling
from lora_mixer.pipeline.job import Condition

Reading = tuple[tuple[Condition, TextEmbeds], ...]
"""The texts of one row, its own the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The texts of a batch's rows.

    Attributes:
        tokens: Every text, (texts, tokens, width): each row's first at the row's own number, the others behind.
        pooled: Each row's pooled vector, (rows, p), where a family has them: the mean over the picture.
        stacks: The mix on each text.
        coupling: Which row reads which text, and where; None: each its own.
    """

    tokens: Tensor
    pooled: Tensor | None
    stacks: tuple[Stack, ...]
    coupling: Coupling | None


def readings_of(rows: Sequence[Reading], size: tuple[int, int], dtype: torch.dtype, device: torch.device) -> Readings:
    """Return the texts of a batch's rows.

    Args:
        rows: Each row's texts.
        size: Height and width of the latent.
        dtype: What the denoiser computes in.
        device: Where it does.
    """
    others = [(row, text) for row, reading in enumerate(rows) for text in reading[1:]]
    texts = [reading[0] for reading in rows] + [text for _, text in others]
    tokens, pooled = repeat_to_common_length([embeds for _, embeds in texts])
    owners = (*range(len(rows)), *(row for row, _ in others))
    if pooled is not None and others:
        pooled = _means([condition for condition, _ in texts], owners, pooled, len(rows))
    return Readings(
        tokens=tokens.to(device, dtype),
        pooled=None if pooled is None else pooled.to(device, dtype),
        stacks=tuple(condition.stack for condition, _ in texts),
        coupling=Coupling(
            rows=owners,
            shares={places: maps.to(device, dtype) for places, maps in _maps([c for c, _ in texts], size).items()},
        )
        if others
        else None,
    )


def _maps(texts: Sequence[Condition], size: tuple[int, int]) -> Mapping[int, Tensor]:
    """Return the texts' shares by number of places, (texts, places, 1), at every size a latent has inside the denoiser."""
    return {
        height * width: torch.stack([_share(text, height, width) for text in texts]).unsqueeze(-1)
        for height, width in levels(*size)
    }


def _share(text: Condition, height: int, width: int) -> Tensor:
    if text.share is None:
        return torch.ones(height * width, dtype=torch.float64)
    return text.share.mask().at(height, width).flatten()


def _means(texts: Sequence[Condition], owners: Sequence[int], pooled: Tensor, rows: int) -> Tensor:
    """Return each row's mean over the picture of its texts' pooled vectors, (rows, p)."""
    weights = torch.tensor([1.0 if text.share is None else text.share.mask().mean for text in texts])
    means = torch.zeros_like(pooled[:rows])
    for text, row in enumerate(owners):
        means[row] += weights[text].to(pooled) * pooled[text]
    return means
