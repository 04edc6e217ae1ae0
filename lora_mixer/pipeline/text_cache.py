"""Text encoded under its mix, once: the encoders with what they remember."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

from lora_mixer.blend import MergeEngine, Stack
from lora_mixer.conditioning import Conditioner, EmbeddingVectors, TextEmbeds, TokenCount, embedding_of
from lora_mixer.families import text_parts
from lora_mixer.mapping import MappedAdapter
from lora_mixer.mixes import Strength
from lora_mixer.models import Model
from lora_mixer.modules import DENOISER
from lora_mixer.pipeline.job import Condition
from lora_mixer.request import Settings

KEPT_TEXTS = 256
KEPT_CONDITIONERS = 8

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class TextCache:
    """Encodes texts with a model's encoders.

    A text is encoded once per (pieces, clip skip, strengths on the encoders, adapters that bring embeddings): a
    slider that moves only the denoiser never encodes anything again. What is kept is found by what went into it, digests of
    files included, never by where an object lies: addresses come back.

    Args:
        model: The open model.
        engine: What puts mixes on the encoders.
        embeddings: Textual-inversion embeddings by name.
    """

    def __init__(self, model: Model, engine: MergeEngine, embeddings: Mapping[str, EmbeddingVectors]) -> None:
        self._model = model
        self._engine = engine
        self._embeddings = dict(embeddings)
        self._parts = tuple(model.text_encoders)
        self._conditioners: OrderedDict[frozenset[str], Conditioner] = OrderedDict()
        self._kept: OrderedDict[object, TextEmbeds] = OrderedDict()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the embeddings in the folders."""
        return tuple(self._embeddings)

    def conditioner(self, stack: Stack) -> Conditioner:
        """Return the conditioner that knows the folders' embeddings and those that this mix brings.

        An embedding file of the same name wins over one inside an adapter.
        """
        bringing = _bringing(stack)
        key = frozenset(bringing)
        if key not in self._conditioners:
            brought = {
                word: embedding_of(fields, name=word, where=adapter.name)
                for adapter in bringing.values()
                for word, fields in adapter.embeddings.items()
            }
            self._conditioners[key] = Conditioner(self._model, MappingProxyType(brought | self._embeddings))
            _trim(self._conditioners, KEPT_CONDITIONERS)
        self._conditioners.move_to_end(key)
        return self._conditioners[key]

    @property
    def default_emphasis(self) -> str:
        """The emphasis mode that suits the model."""
        return self._plain.default_emphasis

    def count(self, text: str, *, steps: int = 20) -> TokenCount:
        """Return how long a prompt is, at its longest over the steps.

        Raises:
            PromptError: The prompt cannot be read.
        """
        return self._plain.count(text, steps=steps)

    @property
    def _plain(self) -> Conditioner:
        """The conditioner without any adapter's embeddings."""
        return self.conditioner(Stack())

    def encode(self, condition: Condition, settings: Settings) -> TextEmbeds:
        """Return a guide's text, encoded under its mix."""
        how = (condition.negative, settings.clip_skip, settings.emphasis)
        key = (condition.pieces, how, frozenset(_bringing(condition.stack)), _strengths(condition.stack, self._parts))
        if key not in self._kept:
            conditioner = self.conditioner(condition.stack)
            with self._engine.applied([condition.stack], parts=self._parts):
                self._kept[key] = conditioner.encode(
                    condition.pieces,
                    clip_skip=settings.clip_skip,
                    emphasis=settings.emphasis,
                    negative=condition.negative,
                )
            _trim(self._kept, KEPT_TEXTS)
        self._kept.move_to_end(key)
        return self._kept[key]

    def positions(self, condition: Condition, words: str) -> tuple[int, ...]:
        """Return where words stand among a text's tokens; phrases have commas between."""
        return self.conditioner(condition.stack).positions(condition.pieces, words)

    def embeddings_of(self, conditions: Iterable[Condition]) -> tuple[EmbeddingVectors, ...]:
        """Return the embeddings that these texts name, each once, by name."""
        found = {
            embedding.name: embedding
            for condition in conditions
            for embedding in self.conditioner(condition.stack).named(condition.pieces)
        }
        return tuple(found[name] for name in sorted(found))


def _bringing(stack: Stack) -> dict[str, MappedAdapter]:
    """Return the adapters of a mix that bring embeddings and act, by digest, in canonical order."""
    return {p.adapter.digest: p.adapter for p in stack.placed if p.adapter.embeddings and _acts(p.strength)}


def _acts(strength: Strength) -> bool:
    return any(strength.of(part) != 0.0 for part in (DENOISER, *text_parts()))


def _strengths(stack: Stack, parts: Iterable[str]) -> frozenset[tuple[str, str, float]]:
    terms = stack.terms(parts=parts, progress=0.0)
    return frozenset((name.part, term.digest, term.strength) for name, row in terms.items() for term in row)


def _trim(kept: OrderedDict[_Key, _Value], size: int) -> None:
    while len(kept) > size:
        kept.popitem(last=False)
