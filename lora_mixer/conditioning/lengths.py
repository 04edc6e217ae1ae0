"""Batch texts of different lengths without changing their effect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextEmbeds:
    """Encoded text.

    Attributes:
        tokens: (1, chunks * 77, width).
        pooled: (1, pooled width) for SDXL, else None.
    """

    tokens: Tensor
    pooled: Tensor | None = None


def repeat_to_common_length(texts: Sequence[TextEmbeds]) -> tuple[Tensor, Tensor | None]:
    """Return tokens (n, T, width) and pooled (n, p) of several texts, each repeated up to a common length T.

    T is the least common multiple of their lengths. Softmax attention over k exact repeats of keys and values is
    attention over one of them: every weight is divided by k and counted k times. So nothing is lost.
    """
    length = math.lcm(*(text.tokens.shape[1] for text in texts))
    tokens = torch.cat([text.tokens.repeat(1, length // text.tokens.shape[1], 1) for text in texts])
    pooled = [text.pooled for text in texts if text.pooled is not None]
    return tokens, torch.cat(pooled) if pooled else None
