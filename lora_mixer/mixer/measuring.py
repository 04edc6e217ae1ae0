"""A request's LoRAs on its model: found, opened, and measured or fitted where a method or a balance asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from lora_mixer.blend import WeightedAdapter
from lora_mixer.blend.balance import BlockSize, sizes
from lora_mixer.files import Leases
from lora_mixer.mapping import MappedAdapter
from lora_mixer.mixer.adapter_cache import AdapterCache
from lora_mixer.mixer.text_shares import own_words
from lora_mixer.mixes import LoraUse
from lora_mixer.pipeline import Calibrations, LoadedModel
from lora_mixer.request import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """Finds, opens and measures LoRAs.

    Attributes:
        adapters: Where they are found.
        loaded: The open model.
        calibrations: What was measured on it.
    """

    adapters: AdapterCache
    loaded: LoadedModel
    calibrations: Calibrations
    _names: dict[str, str] = field(default_factory=dict)

    def placed(self, uses: Iterable[LoraUse]) -> list[WeightedAdapter]:
        """Return LoRAs, opened, with their strengths."""
        placed = []
        for use in uses:
            adapter = self.adapters.take(use.name, rank=use.strength.rank)
            self._names[adapter.digest] = use.name
            placed.append(WeightedAdapter(adapter=adapter, strength=replace(use.strength, negative=False)))
        return placed

    def words(self, adapter: MappedAdapter) -> Sequence[str]:
        """Return the words an adapter was trained on, its trigger phrase first."""
        return self.adapters.words(self._names[adapter.digest])

    def sizes(self, mix: Sequence[WeightedAdapter]) -> Mapping[str, BlockSize]:
        """Return what a mix changes, by block."""
        adapters = {one.adapter.digest: one.adapter for one in mix}
        order = sorted(adapters)
        with self._leased(adapters.values()):
            grams = self.calibrations.grams([adapters[digest] for digest in order])
        return sizes(mix, grams, order)

    def routed(
        self, adapters: Sequence[MappedAdapter], settings: Settings, *, ridge: float
    ) -> tuple[Sequence[MappedAdapter], str]:
        """Return adapters fitted to each other by a step under each one's trigger words, and the matrices' digest."""
        own = own_words(adapters, self.words)
        texts = [(own[one.digest] or [Path(one.name).stem.replace("_", " ")])[0] for one in adapters]
        with self._leased(adapters):
            found = self.calibrations.take(adapters, texts, settings, ridge=ridge)
        return found.adapters, found.sha256

    @contextmanager
    def _leased(self, adapters: Iterable[MappedAdapter]) -> Iterator[None]:
        """Hold the files of the model and of adapters as they are, while something is computed from them."""
        seals = [seal for one in adapters for seal in self.adapters.seals(self._names[one.digest])]
        with Leases((*self.loaded.model.seals, *seals)) as files:
            yield
            files.check()
