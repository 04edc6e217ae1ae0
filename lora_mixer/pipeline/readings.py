"""What the rows of a batch read: each one text, or several where regions have their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lora_mixer.blend import Stack
from lora_mixer.blend.masks import levels
from lora_mixer.conditioning import TextEmbeds, repeat_to_common_length
from lora_mixer.kernels import Coupling
from lora_mixer.models import Model
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


Positions = Callable[[Condition, str], tuple[int, ...]]
"""Where words stand among a text's tokens."""

HUSHED = -5.0
"""What is added to the scores of words where they are not to be heard: they then count e^-5 of what they did."""


def readings_of(rows: Sequence[Reading], size: tuple[int, int], positions: Positions, model: Model) -> Readings:
    """Return the texts of a batch's rows.

    Args:
        rows: Each row's texts.
        size: Height and width of the latent.
        positions: Where words stand among a text's tokens.
        model: What computes, and where.
    """
    dtype, device = model.dtype, model.device
    others = [(row, text) for row, reading in enumerate(rows) for text in reading[1:]]
    texts = [reading[0] for reading in rows] + [text for _, text in others]
    tokens, pooled = repeat_to_common_length([embeds for _, embeds in texts])
    owners = (*range(len(rows)), *(row for row, _ in others))
    if pooled is not None and others:
        pooled = _means([text for text, _ in texts], owners, pooled, len(rows))
    conditions = [condition for condition, _ in texts]
    bias = _bias(conditions, [embeds.tokens.shape[1] for _, embeds in texts], tokens.shape[1], size, positions)
    return Readings(
        tokens=tokens.to(device, dtype),
        pooled=None if pooled is None else pooled.to(device, dtype),
        stacks=tuple(condition.stack for condition, _ in texts),
        coupling=Coupling(
            rows=owners,
            shares={places: maps.to(device, dtype) for places, maps in _maps(conditions, size).items()},
            bias={places: added.to(device, dtype) for places, added in bias.items()},
        )
        if others or bias
        else None,
    )


def _maps(texts: Sequence[Condition], size: tuple[int, int]) -> Mapping[int, Tensor]:
    """Return the texts' shares by number of places, (texts, places, 1), at every size a latent has inside the denoiser."""
    return {
        height * width: torch.stack([_share(text, height, width) for text in texts]).unsqueeze(-1)
        for height, width in levels(*size)
    }


def _bias(
    texts: Sequence[Condition], lengths: Sequence[int], length: int, size: tuple[int, int], positions: Positions
) -> Mapping[int, Tensor]:
    """Return what is added to the scores of words by number of places, (texts, 1, places, tokens); empty: nothing."""
    if not any(text.hushed for text in texts):
        return {}
    return {
        height * width: torch.stack(
            [_hushed(text, own, length, (height, width), positions) for text, own in zip(texts, lengths, strict=True)]
        ).unsqueeze(1)
        for height, width in levels(*size)
    }


def _hushed(text: Condition, own: int, length: int, size: tuple[int, int], positions: Positions) -> Tensor:
    """Return one text's bias, (places, tokens); the text may be repeated to a length."""
    bias = torch.zeros(size[0] * size[1], own, dtype=torch.float64)
    for words, share in text.hushed:
        bias[:, list(positions(text, words))] += HUSHED * share.mask().at(*size).view(-1, 1)
    return bias.clamp(min=HUSHED).repeat(1, length // own)


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
