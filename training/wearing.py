"""Adapters on the model, by the product's own loader and mixer: what is measured and shown is what users get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lora_mixer.blend.merge import MergeEngine
from lora_mixer.blend.stack import Stack, WeightedAdapter
from lora_mixer.files import digest_file
from lora_mixer.mapping import MappedAdapter, map_adapter
from lora_mixer.mapping.opening import open_adapter
from lora_mixer.mixes import Strength
from lora_mixer.models import Model


class Wearing:
    """A model and a folder of adapters for it, each opened when it is first worn."""

    def __init__(self, model: Model, folder: Path) -> None:
        """Open nothing yet."""
        self._model, self._folder = model, folder
        self._engine = MergeEngine(model)
        self._opened: dict[str, MappedAdapter] = {}

    @contextmanager
    def on(self, strengths: Mapping[str, float]) -> Iterator[None]:
        """Let the model wear adapters, by name, inside the block."""
        worn = [
            WeightedAdapter(adapter=self._open(name), strength=Strength(strength))
            for name, strength in strengths.items()
        ]
        with self._engine.applied([Stack(worn)], parts=self._model.parts):
            yield

    def _open(self, name: str) -> MappedAdapter:
        if name not in self._opened:
            path = self._folder / f"{name}.safetensors"
            parsed, read = open_adapter(path)
            index = self._model.index
            self._opened[name] = map_adapter(parsed, index, name=name, digest=digest_file(path).sha256, read=read)
        return self._opened[name]
