"""A tokenizer extended by embedding names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from lora_mixer.conditioning.embeddings import EmbeddingVectors


class Vocabulary:
    """The tokens and embeddings of one text encoder.

    Args:
        tokenizer: The encoder's CLIP tokenizer.
        embeddings: Embeddings that stand in for their names, `embedding:NAME` included.
    """

    def __init__(self, tokenizer: Any, embeddings: Iterable[EmbeddingVectors]) -> None:  # noqa: ANN401 transformers' class
        self._tokenizer = tokenizer
        self.begin: int = tokenizer.bos_token_id
        self.end: int = tokenizer.eos_token_id
        self.filler: int = tokenizer.pad_token_id  # the end token again for CLIP-L, 0 for OpenCLIP
        self.comma: int = self.tokens(",")[0]
        self._by_first: dict[int, list[tuple[list[int], EmbeddingVectors]]] = defaultdict(list)
        for embedding in embeddings:
            for name in (self.tokens(embedding.name), self.tokens(f"embedding:{embedding.name}")):
                if name:
                    self._by_first[name[0]].append((name, embedding))
        for names in self._by_first.values():
            names.sort(key=lambda pair: -len(pair[0]))

    def tokens(self, text: str) -> list[int]:
        """Return the token ids of a text, without begin and end."""
        return list(self._tokenizer(text, add_special_tokens=False, verbose=False).input_ids)

    def embedding_at(self, tokens: Sequence[int], position: int) -> tuple[EmbeddingVectors | None, int]:
        """Return the longest embedding name at a position, and how many tokens it takes."""
        for name, embedding in self._by_first.get(tokens[position], ()):
            if list(tokens[position : position + len(name)]) == name:
                return embedding, len(name)
        return None, 1
