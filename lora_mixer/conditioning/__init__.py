"""Text encoded: chunks, emphasis, embeddings, and texts of different length made equal."""

from __future__ import annotations

from lora_mixer.conditioning.conditioner import Conditioner, TokenCount
from lora_mixer.conditioning.embeddings import EmbeddingVectors
from lora_mixer.conditioning.emphasis import EMPHASIS, Emphasis
from lora_mixer.conditioning.lengths import Encoded, equalise
from lora_mixer.conditioning.reading import embedding_of, load_embedding

__all__ = [
    "EMPHASIS",
    "Conditioner",
    "EmbeddingVectors",
    "Emphasis",
    "Encoded",
    "TokenCount",
    "embedding_of",
    "equalise",
    "load_embedding",
]
