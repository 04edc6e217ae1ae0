"""The mix: an unordered set of adapters, each with its strength."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from lora_mixer.adapters import Layer
from lora_mixer.blend.masks import Mask, open_mask
from lora_mixer.blend.shares import Share
from lora_mixer.blend.strength import strength_at
from lora_mixer.choices import SUM, BlendMethod
from lora_mixer.mapping import MappedAdapter
from lora_mixer.mixes import Strength
from lora_mixer.modules import ModuleName, ModuleSpec
from lora_mixer.places import CenterCrop


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedAdapter:
    """One adapter of a mix with its strength.

    Attributes:
        adapter: The adapter.
        strength: Its strength.
        share: The region it acts in, besides its strength's mask; None: everywhere.
        crop: What is drawn of the picture that its strength's mask lies in; None: all of it.
    """

    adapter: MappedAdapter
    strength: Strength
    share: Share | None = None
    crop: CenterCrop | None = None

    def unmasked_if_everywhere(self) -> WeightedAdapter:
        """Return it without a mask that acts in full everywhere: both engines, and methods that know no masks, take that.

        Raises:
            RequestError, FileError: The mask cannot be opened.
        """
        own = self.strength.mask
        if own is None or not open_mask(own).cropped(self.crop).everything:
            return self
        return replace(self, strength=replace(self.strength, mask=None), crop=None)

    @property
    def masked(self) -> bool:
        """Whether it acts in a part of the picture."""
        return self.strength.mask is not None or self.share is not None

    def masks(self) -> tuple[Mask, ...]:
        """Return the masks whose product says where it acts.

        Raises:
            RequestError, FileError: One cannot be opened.
        """
        own = () if self.strength.mask is None else (open_mask(self.strength.mask).cropped(self.crop),)
        return own if self.share is None else (*own, self.share.mask())


class Term(NamedTuple):
    """One adapter's share in one module: strength times the change `layer` makes."""

    digest: str
    strength: float
    layer: Layer


class Stack:
    """An unordered set of (adapter, strength), kept in canonical order (by file digest).

    The same adapter placed twice acts with the sum of its strengths. Two stacks with the same adapters and
    strengths and one method are equal, whatever order they were named in. One adapter alone is blended by the sum.
    """

    __slots__ = ("_terms", "method", "placed")

    def __init__(self, placed: Iterable[WeightedAdapter] = (), *, method: BlendMethod = SUM) -> None:
        self.placed = tuple(sorted(placed, key=lambda p: (p.adapter.digest, repr(p.strength), repr((p.share, p.crop)))))
        self.method = method if len({p.adapter.digest for p in self.placed}) > 1 else SUM
        self._terms: dict[tuple[frozenset[str], float], Mapping[ModuleName, tuple[Term, ...]]] = {}

    @property
    def key(self) -> tuple[tuple[str, Strength, Share | None, CenterCrop | None], ...]:
        """What makes this stack itself: digests, strengths and places in canonical order."""
        return tuple((p.adapter.digest, p.strength, p.share, p.crop) for p in self.placed)

    def __eq__(self, other: object) -> bool:
        """Return whether both hold the same adapters at the same strengths, blended by the same method."""
        return isinstance(other, Stack) and self.method == other.method and self.key == other.key

    def __hash__(self) -> int:
        """Hash consistently with equality."""
        return hash(tuple(digest for digest, *_ in self.key))

    def __len__(self) -> int:
        """Return how many adapters are placed."""
        return len(self.placed)

    @property
    def masked(self) -> bool:
        """Whether any adapter is masked."""
        return any(p.masked for p in self.placed)

    @property
    def by_block(self) -> bool:
        """Whether any strength has block or element weights."""
        return any(p.strength.blocks or p.strength.elements for p in self.placed)

    @property
    def curved(self) -> bool:
        """Whether any strength changes over the steps."""
        return any(p.strength.curve is not None for p in self.placed)

    def spec(self, name: ModuleName) -> ModuleSpec:
        """Return what a module is that one of the adapters acts on."""
        return next(p.adapter.modules[name] for p in self.placed if name in p.adapter.modules)

    def terms(self, *, parts: Iterable[str], progress: float) -> Mapping[ModuleName, tuple[Term, ...]]:
        """Return the terms of every module that this stack changes at one moment of sampling.

        Args:
            parts: The parts of the model to look at.
            progress: How far sampling has come, 0 at the first step and 1 at the last.

        Returns:
            Per module its terms in canonical order; terms of strength 0 are left out, so a module that nothing
            acts on is not in the mapping at all.
        """
        moment = progress if self.curved else 0.0
        key = (frozenset(parts), moment)
        if key not in self._terms:
            if len(self._terms) >= 2:
                self._terms.clear()
            self._terms[key] = self._terms_of(*key)
        return self._terms[key]

    def _terms_of(self, wanted: frozenset[str], progress: float) -> Mapping[ModuleName, tuple[Term, ...]]:
        strengths: dict[ModuleName, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        layers: dict[tuple[ModuleName, str], Layer] = {}
        for placed in self.placed:
            digest, masks = placed.adapter.digest, placed.masks()
            for name, layer in placed.adapter.layers.items():
                if name.part in wanted:
                    spec = placed.adapter.modules[name]
                    strengths[name][digest].append(strength_at(placed.strength, spec, progress=progress, masks=masks))
                    layers[name, digest] = layer
        summed = {
            name: tuple(
                Term(digest, total, layers[name, digest])
                for digest, values in sorted(by_digest.items())
                if (total := math.fsum(values)) != 0.0
            )
            for name, by_digest in strengths.items()
        }
        return {name: terms for name, terms in summed.items() if terms}
