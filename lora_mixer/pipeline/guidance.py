"""Classifier-free guidance as one weighted sum over rows (Ho and Salimans 2022, arXiv:2207.12598, eq. 6).

A batch of pictures becomes rows of the denoiser's batch: one a text. With cfg scale c, a picture's prediction is
e = e_neg + sum_i c w_i (e_i - e_neg) = (1 - c sum_i w_i) e_neg + sum_i c w_i e_i, so that each row carries a
coefficient and the rest is a sum. Where a method gives a picture several mixes (Composite), each has rows of its own, and its
share of every coefficient. A row whose coefficient is 0 is not computed (cfg 1 costs one row, not two).

Rescaling brings the contrast of e back to that of the same sum at cfg 1 (Lin et al. 2023, arXiv:2305.08891, eq. 15-16).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from lora_mixer.pipeline.job import Condition, Pass


class GuidanceRow(NamedTuple):
    """One row of the denoiser's batch: which picture it belongs to, its share in it (and at cfg 1), and what guides it."""

    image: int
    coefficient: float
    unguided: float
    condition: Condition


def rows_at(passes: Sequence[Pass], step: int, *, apart: bool = False) -> tuple[GuidanceRow, ...]:
    """Return one step's rows: every picture's negatives and positives, without those of coefficient 0.

    Args:
        passes: The pictures' passes.
        step: The step.
        apart: Keep every negative row, for samplers that use its prediction alone.
    """
    rows: list[GuidanceRow] = []
    for image, one in enumerate(passes):
        segment, cfg = one.at(step), one.settings.cfg
        positive = [
            GuidanceRow(image, cfg * condition.weight, condition.weight, condition) for condition in segment.positive
        ]
        rest = 1.0 - sum(row.coefficient for row in positive), 1.0 - sum(row.unguided for row in positive)
        negative = [
            GuidanceRow(image, condition.weight * rest[0], condition.weight * rest[1], condition)
            for condition in segment.negative
        ]
        rescaled = one.settings.cfg_rescale != 0.0
        rows += [row for row in (*negative, *positive) if _counts(row, rescaled=rescaled, apart=apart)]
    return tuple(rows)


def _counts(row: GuidanceRow, *, rescaled: bool, apart: bool) -> bool:
    wanted = (rescaled and row.unguided != 0.0) or (apart and row.condition.negative)
    return row.coefficient != 0.0 or wanted


def rescaled(guided: Tensor, unguided: Tensor, phi: Sequence[float]) -> Tensor:
    """Return guided predictions (n, c, h, w), each rescaled by phi towards the deviation of the unguided one."""
    share = torch.tensor(phi, dtype=guided.dtype, device=guided.device).view(-1, 1, 1, 1)
    axes = (1, 2, 3)
    contrast = unguided.std(axes, keepdim=True) / guided.std(axes, keepdim=True)
    return torch.where(share > 0, guided * (share * contrast + 1 - share), guided)
