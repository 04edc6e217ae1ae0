"""Text to what the denoiser is conditioned on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from lora_mixer.conditioning.chunks import CHUNK, Chunk, Chunker
from lora_mixer.conditioning.embeddings import EmbeddingVectors
from lora_mixer.conditioning.emphasis import emphasis_named
from lora_mixer.conditioning.lengths import TextEmbeds
from lora_mixer.conditioning.vocabulary import Vocabulary
from lora_mixer.errors import RequestError
from lora_mixer.families import TextEncoderSpec
from lora_mixer.models import Model
from lora_mixer.modules import ModuleName
from lora_mixer.prompt import Break, Piece, parse, timeline

_Hook = Callable[[nn.Module, Any, Tensor], Tensor]
_acting: WeakKeyDictionary[nn.Module, _Hook] = WeakKeyDictionary()
"""The hook that currently inserts embedding vectors into a token embedding."""

_NO_EMBEDDINGS: Mapping[str, EmbeddingVectors] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCount:
    """A text's length: tokens, chunks, and tokens per chunk."""

    tokens: int
    chunks: int
    limit: int = CHUNK


class Conditioner:
    """Encodes text with a model's text encoders.

    Args:
        model: The open model.
        embeddings: Textual-inversion embeddings by name; those that do not fit the encoders are in `unfit`.
    """

    def __init__(self, model: Model, embeddings: Mapping[str, EmbeddingVectors] = _NO_EMBEDDINGS) -> None:
        self._model = model
        self._encoders = model.family.text_encoders
        self._parts = tuple(encoder.part for encoder in self._encoders)
        self.unfit = {name: reason for name, one in embeddings.items() if (reason := self._misfit(one))}
        usable = [one for name, one in embeddings.items() if name not in self.unfit]
        self._vocabularies = {part: Vocabulary(model.tokenizers[part], usable) for part in self._parts}

    @property
    def default_emphasis(self) -> str:
        """The emphasis mode that suits the model."""
        return self._model.family.emphasis

    @torch.no_grad()
    def encode(
        self, pieces: Sequence[Piece], *, clip_skip: int = 1, emphasis: str | None = None, negative: bool = False
    ) -> TextEmbeds:
        """Return what `embed` returns, without what a gradient would need."""
        return self.embed(pieces, clip_skip=clip_skip, emphasis=emphasis, negative=negative)

    def embed(
        self, pieces: Sequence[Piece], *, clip_skip: int = 1, emphasis: str | None = None, negative: bool = False
    ) -> TextEmbeds:
        """Return a text's tokens (1, chunks * 77, width) and, for SDXL, its pooled vector (1, p).

        Args:
            pieces: The text, with its weights and breaks.
            clip_skip: Which layer's output counts, from the end: 1 is the last. SDXL takes 2 at least.
            emphasis: A name of `EMPHASIS`; None takes what suits the model.
            negative: Whether it is a negative prompt: for SDXL an empty one becomes zeros, as in training.

        Raises:
            RequestError: There is no such emphasis mode, or fewer layers than `clip_skip`.
        """
        return self.embed_all([pieces], clip_skip=clip_skip, emphasis=emphasis, negative=negative)[0]

    def embed_all(
        self,
        texts: Sequence[Sequence[Piece]],
        *,
        clip_skip: int = 1,
        emphasis: str | None = None,
        negative: bool = False,
    ) -> list[TextEmbeds]:
        """Return what `embed` returns of each text, with one pass of each text encoder for all of them.

        Raises:
            RequestError: As `embed`.
        """
        weigh = emphasis_named(emphasis or self.default_emphasis).weigh
        states: list[list[Tensor]] = [[] for _ in texts]
        pooled: Sequence[Tensor | None] = [None] * len(texts)
        for encoder in self._encoders:
            chunks = [Chunker(self._vocabularies[encoder.part]).chunks(pieces) for pieces in texts]
            z, pooled = self._run(encoder, chunks, clip_skip)
            for own, of_text, part in zip(states, chunks, z, strict=True):
                weights = _weights(of_text).to(part.device)
                weighed = part if torch.all(weights == 1.0) else weigh(part.float(), weights).to(part.dtype)
                own.append(weighed.reshape(1, -1, part.shape[-1]))
        zero_empty = negative and self._model.family.zero_empty_negative
        return [
            _conditioning(torch.cat(own, dim=-1), vector, zeros=zero_empty and _says_nothing(pieces))
            for own, vector, pieces in zip(states, pooled, texts, strict=True)
        ]

    def named(self, pieces: Sequence[Piece]) -> tuple[EmbeddingVectors, ...]:
        """Return the embeddings a text names, in order."""
        chunks = Chunker(self._vocabularies[self._parts[0]]).chunks(pieces)
        return tuple(placement.embedding for chunk in chunks for placement in chunk.placements)

    def positions(self, pieces: Sequence[Piece], words: str) -> tuple[int, ...]:
        """Return where words stand among the tokens that `encode` gives of a text; none if they are not in it.

        Args:
            pieces: The text.
            words: Words or phrases, with commas between.
        """
        vocabulary = self._vocabularies[self._parts[0]]
        chunks = Chunker(vocabulary).chunks(pieces)
        phrases = [vocabulary.tokens(phrase.strip()) for phrase in words.split(",") if phrase.strip()]
        return tuple(
            number * (CHUNK + 2) + 1 + at + step
            for number, chunk in enumerate(chunks)
            for phrase in phrases
            for at in range(len(chunk.tokens) - len(phrase) + 1)
            if chunk.tokens[at : at + len(phrase)] == phrase
            for step in range(len(phrase))
        )

    def count(self, text: str, *, steps: int = 20) -> TokenCount:
        """Return a prompt's length; of a scheduled prompt, its longest.

        Raises:
            PromptError: The prompt cannot be read.
        """
        chunker = Chunker(self._vocabularies[self._parts[0]])
        spans = timeline(parse(text), steps, blocks=lambda _text: {}, elements=lambda _text: ())
        lengths = [chunker.chunks(part.text) for span in spans for part in span.parts]
        return TokenCount(
            tokens=max(sum(len(chunk.tokens) for chunk in chunks) for chunks in lengths),
            chunks=max(len(chunks) for chunks in lengths),
        )

    def _run(
        self, spec: TextEncoderSpec, texts: Sequence[Sequence[Chunk]], clip_skip: int
    ) -> tuple[Sequence[Tensor], Sequence[Tensor | None]]:
        """Return each text's hidden states (chunks, 77, width) of a text encoder, and its pooled output of the first chunk."""
        part, chunks = spec.part, [chunk for text in texts for chunk in text]
        encoder, vocabulary = self._model.parts[part], self._vocabularies[part]
        ids = torch.tensor([_ids(chunk, vocabulary) for chunk in chunks], device=self._model.device)
        with _placed(self._token_embedding(part), part, chunks):
            output = encoder(input_ids=ids, output_hidden_states=True)
        lengths = [len(text) for text in texts]
        pooled = [of_text[:1] for of_text in output.text_embeds.split(lengths)] if spec.pooled else [None] * len(texts)
        layer = max(clip_skip, spec.skip)
        if layer == 1:
            return output.last_hidden_state.split(lengths), pooled
        if layer >= len(output.hidden_states):
            raise RequestError(
                f"clip skip {layer} is out of range", remedy=f"Use a value from 1 to {len(output.hidden_states) - 1}."
            )
        hidden = output.hidden_states[-layer]
        if spec.final_norm:
            hidden = self._model.module(ModuleName(part, "text_model.final_layer_norm"))(hidden)
        return hidden.split(lengths), pooled

    def _token_embedding(self, part: str) -> nn.Embedding:
        return cast(nn.Embedding, self._model.module(ModuleName(part, "text_model.embeddings.token_embedding")))

    def _misfit(self, embedding: EmbeddingVectors) -> str | None:
        """Return why an embedding cannot be used with this model, or None."""
        for part in self._parts:
            width = self._token_embedding(part).embedding_dim
            if part not in embedding.vectors:
                return f"it has no vectors for the text encoder {part}"
            if embedding.vectors[part].shape[1] != width:
                return f"it is {embedding.vectors[part].shape[1]} wide, the text encoder {part} {width}"
        if beyond := sorted(embedding.vectors.keys() - set(self._parts)):
            return f"it has vectors for the text encoder {beyond[0]}, which this model lacks"
        if embedding.length > CHUNK:
            return f"it has {embedding.length} vectors, and {CHUNK} fit into a chunk"
        return None


def _says_nothing(pieces: Sequence[Piece]) -> bool:
    return not any(isinstance(piece, Break) or piece.text.strip() for piece in pieces)


def _conditioning(tokens: Tensor, pooled: Tensor | None, *, zeros: bool) -> TextEmbeds:
    if zeros:
        return TextEmbeds(tokens=torch.zeros_like(tokens), pooled=None if pooled is None else torch.zeros_like(pooled))
    return TextEmbeds(tokens=tokens, pooled=pooled)


def _ids(chunk: Chunk, vocabulary: Vocabulary) -> list[int]:
    filler = [vocabulary.filler] * (CHUNK - len(chunk.tokens))
    return [vocabulary.begin, *chunk.tokens, *([vocabulary.end, *filler])]


def _weights(chunks: Iterable[Chunk]) -> Tensor:
    rows = [[1.0, *chunk.weights, *([1.0] * (CHUNK + 1 - len(chunk.weights)))] for chunk in chunks]
    return torch.tensor(rows).unsqueeze(-1)


@contextmanager
def _placed(embedding: nn.Module, part: str, chunks: Sequence[Chunk]) -> Iterator[None]:
    """Insert embedding vectors in the forward passes within the block.

    Only the noted hook acts, so one left behind by an interruption changes no later text.
    """
    _acting.pop(embedding, None)
    if not any(chunk.placements for chunk in chunks):
        yield
        return

    def put(module: nn.Module, _inputs: Any, vectors: Tensor) -> Tensor:  # noqa: ANN401 torch's hook signature
        if _acting.get(module) is not put:
            return vectors
        vectors = vectors.clone()
        for row, chunk in enumerate(chunks):
            for placement in chunk.placements:
                new = placement.embedding.vectors[part].to(vectors.device, vectors.dtype)
                start = 1 + placement.offset
                vectors[row, start : start + len(new)] = new
        return vectors

    _acting[embedding] = put
    handle = embedding.register_forward_hook(put)
    try:
        yield
    finally:
        _acting.pop(embedding, None)
        handle.remove()
