"""Text cut into chunks of 75 tokens, each token with its weight."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lora_mixer.conditioning.embeddings import EmbeddingVectors
from lora_mixer.conditioning.vocabulary import Vocabulary
from lora_mixer.prompt import Break, Piece

CHUNK = 75
BACKTRACK = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingPlacement:
    """Vectors that stand in for tokens: `offset` counts from the first content token of the chunk."""

    offset: int
    embedding: EmbeddingVectors


@dataclass(slots=True)
class Chunk:
    """Up to 75 tokens with their weights; embeddings hold a place each vector."""

    tokens: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    placements: list[EmbeddingPlacement] = field(default_factory=list)
    comma: int | None = None  # where the last comma stands


class Chunker:
    """Fills chunks as A1111 does: what follows a comma within the last 20 tokens of a full chunk moves on."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._chunks: list[Chunk] = []
        self._chunk = Chunk()

    def chunks(self, pieces: Iterable[Piece]) -> list[Chunk]:
        """Return the chunks of a text; an empty text has one empty chunk."""
        self._chunks, self._chunk = [], Chunk()
        for piece in pieces:
            if isinstance(piece, Break):
                self._next()
            else:
                self._add(self._vocabulary.tokens(piece.text), piece.weight)
        if self._chunk.tokens or not self._chunks:
            self._next()
        return self._chunks

    def _next(self) -> None:
        self._chunks.append(self._chunk)
        self._chunk = Chunk()

    def _add(self, tokens: Sequence[int], weight: float) -> None:
        position = 0
        while position < len(tokens):
            token = tokens[position]
            self._make_room(is_comma=token == self._vocabulary.comma)
            embedding, length = self._vocabulary.embedding_at(tokens, position)
            if embedding is not None:
                self._place(embedding, weight)
            else:
                self._append(token, weight)
            position += length

    def _make_room(self, *, is_comma: bool) -> None:
        full, comma = self._chunk, self._chunk.comma
        if len(full.tokens) < CHUNK:
            return
        self._next()
        if is_comma or comma is None or CHUNK - comma > BACKTRACK:
            return
        cut = comma + 1
        self._chunk.tokens, full.tokens = full.tokens[cut:], full.tokens[:cut]
        self._chunk.weights, full.weights = full.weights[cut:], full.weights[:cut]
        moved = [placement for placement in full.placements if placement.offset >= cut]
        full.placements = [placement for placement in full.placements if placement.offset < cut]
        self._chunk.placements = [
            EmbeddingPlacement(offset=placement.offset - cut, embedding=placement.embedding) for placement in moved
        ]

    def _append(self, token: int, weight: float) -> None:
        if token == self._vocabulary.comma:
            self._chunk.comma = len(self._chunk.tokens)
        self._chunk.tokens.append(token)
        self._chunk.weights.append(weight)

    def _place(self, embedding: EmbeddingVectors, weight: float) -> None:
        if len(self._chunk.tokens) + embedding.length > CHUNK:
            self._next()
        self._chunk.placements.append(EmbeddingPlacement(offset=len(self._chunk.tokens), embedding=embedding))
        self._chunk.tokens += [0] * embedding.length
        self._chunk.weights += [weight] * embedding.length
