"""What methods and balances measure of LoRAs on the open model, kept: a step under each, and how large their changes are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from lora_mixer.blend import Stack, WeightedAdapter
from lora_mixer.blend.overlap import Gram, grams_of
from lora_mixer.blend.ssr import Listener, Routed, routed
from lora_mixer.choices import AUTOMATIC
from lora_mixer.mapping import MappedAdapter
from lora_mixer.mixes import Strength
from lora_mixer.models import helpful_threads, using_threads
from lora_mixer.modules import ModuleName
from lora_mixer.pipeline.job import Condition, Pass, Segment
from lora_mixer.pipeline.loaded_model import LoadedModel
from lora_mixer.pipeline.passes import PassRun
from lora_mixer.prompt import Words
from lora_mixer.request import Settings

KEPT = 8
"""Mixes whose matrices are kept."""
GRAMS_KEPT = 64
"""Mixes whose sizes are kept: numbers, and a picture with regions has one for each."""
SEED = 0


class Calibrations:
    """Fitted mixes and sizes of changes, kept by what went into them: digests, trained words, the method's numbers.

    Args:
        loaded: The open model.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self._kept: OrderedDict[object, Routed] = OrderedDict()
        self._grams: OrderedDict[object, Mapping[ModuleName, Gram]] = OrderedDict()

    def take(
        self, adapters: Sequence[MappedAdapter], texts: Sequence[str], settings: Settings, *, ridge: float
    ) -> Routed:
        """Return the adapters, fitted to each other.

        Args:
            adapters: They, in canonical order.
            texts: What each one draws in its step.
            settings: Say how text is encoded; nothing else of them counts.
            ridge: lambda of SSR-Merge.
        """
        key = (tuple(one.digest for one in adapters), tuple(texts), settings.clip_skip, ridge)
        if key not in self._kept:
            self._kept[key] = self._fitted(adapters, texts, settings, ridge)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def grams(self, adapters: Sequence[MappedAdapter]) -> Mapping[ModuleName, Gram]:
        """Return the inner products of adapters' changes by module."""
        key = tuple(one.digest for one in adapters)
        if key not in self._grams:
            self._loaded.rest()
            self._grams[key] = grams_of(self._loaded.model, adapters)
            while len(self._grams) > GRAMS_KEPT:
                self._grams.popitem(last=False)
        self._grams.move_to_end(key)
        return self._grams[key]

    def forget(self) -> None:
        """Forget them all; they are made again, bit for bit."""
        self._kept.clear()
        self._grams.clear()

    def _fitted(
        self, adapters: Sequence[MappedAdapter], texts: Sequence[str], settings: Settings, ridge: float
    ) -> Routed:
        loaded = self._loaded
        loaded.rest()
        listener = Listener(loaded.model, adapters)
        with using_threads(helpful_threads(loaded.model.denoiser.network)):  # not a call's: matrices are kept for all
            for adapter, text in zip(adapters, texts, strict=True):
                run = PassRun(loaded, [self._pass(adapter, text, settings)], engine="merged", tiled=False)
                with listener.listening():
                    list(run.steps(None))
        return routed(adapters, listener.squares, ridge=ridge)

    def _pass(self, adapter: MappedAdapter, text: str, settings: Settings) -> Pass:
        """Return one step from noise under one adapter at strength 1, without guidance, at the model's own size."""
        stack = Stack([WeightedAdapter(adapter=adapter, strength=Strength())])
        condition = Condition(pieces=(Words(text=text),), stack=stack)
        width, height = self._loaded.model.native_size
        alone = replace(
            settings,
            init=None,
            mask=None,
            denoise=None,
            hires=None,
            eta=None,
            subseed=None,
            steps=1,
            cfg=1.0,
            cfg_rescale=0.0,
            seed=SEED,
            subseed_strength=0.0,
            rng="cpu",
            sampler="Euler",
            schedule=AUTOMATIC,
            width=width,
            height=height,
        )
        away = replace(condition, negative=True)
        return Pass(settings=alone, segments=(Segment(start=0, stop=1, positive=(condition,), negative=(away,)),))
