"""Text encoding: chunks, emphasis, embeddings, and a common length for a batch."""

from __future__ import annotations

from lora_mixer.conditioning.conditioner import Conditioner, TokenCount
from lora_mixer.conditioning.embeddings import EmbeddingVectors
from lora_mixer.conditioning.emphasis import EMPHASIS, Emphasis
from lora_mixer.conditioning.lengths import TextEmbeds, repeat_to_common_length
from lora_mixer.conditioning.reading import embedding_of, load_embedding
from lora_mixer.renamed import moved

__all__ = [
    "EMPHASIS",
    "Conditioner",
    "EmbeddingVectors",
    "Emphasis",
    "TextEmbeds",
    "TokenCount",
    "embedding_of",
    "load_embedding",
    "repeat_to_common_length",
]

__getattr__ = moved(__name__)
