"""Textual-inversion embeddings (Gal et al. 2022, arXiv:2208.01618): vectors that stand in for a word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmbeddingVectors:
    """An embedding.

    Attributes:
        name: The word it stands for.
        vectors: Its vectors (n, width) by part of the model (`te1`, `te2`).
    """

    name: str
    vectors: Mapping[str, Tensor]

    @property
    def length(self) -> int:
        """How many tokens it takes."""
        return int(next(iter(self.vectors.values())).shape[0])
