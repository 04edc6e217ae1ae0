"""Textual-inversion embeddings (Gal et al. 2022, arXiv:2208.01618): vectors that stand in for a word."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmbeddingVectors:
    """An embedding.

    Attributes:
        name: The word it stands for.
        vectors: Its vectors (n, width) by the model's text encoders.
    """

    name: str
    vectors: Mapping[str, Tensor]

    @property
    def digest(self) -> str:
        """The sha256 over its vectors."""
        digest = hashlib.sha256()
        for part in sorted(self.vectors):
            digest.update(part.encode())
            digest.update(self.vectors[part].float().contiguous().numpy().tobytes())
        return digest.hexdigest()

    @property
    def length(self) -> int:
        """How many tokens it takes."""
        return int(next(iter(self.vectors.values())).shape[0])
