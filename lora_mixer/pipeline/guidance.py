"""Classifier-free guidance as one weighted sum over rows (Ho and Salimans 2022, arXiv:2207.12598, eq. 6).

A batch of pictures becomes rows of the UNet's batch: one a text. With cfg scale c, a picture's prediction is
e = e_neg + sum_i c w_i (e_i - e_neg) = (1 - c sum_i w_i) e_neg + sum_i c w_i e_i, so that each row carries a
coefficient and the rest is a sum. A row whose coefficient is 0 is not computed (cfg 1 costs one row, not two).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lora_mixer.pipeline.job import Guide, Job


class Row(NamedTuple):
    """One row of the UNet's batch: which picture it belongs to, its share in it, and what guides it."""

    image: int
    coefficient: float
    guide: Guide


def rows_at(jobs: Sequence[Job], step: int) -> tuple[Row, ...]:
    """Return the rows of one step: negatives and positives of every picture, those of weight 0 left out."""
    rows: list[Row] = []
    for image, job in enumerate(jobs):
        stretch, cfg = job.at(step), job.settings.cfg
        towards = [Row(image, cfg * guide.weight, guide) for guide in stretch.positive]
        away = Row(image, 1.0 - sum(row.coefficient for row in towards), stretch.negative)
        rows += [row for row in (away, *towards) if row.coefficient != 0.0]
    return tuple(rows)
