"""An open model with everything that belongs to it alone, and what all models of a mixer are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lora_mixer.apply import MergeEngine, SideEngine
from lora_mixer.catalog import FileDigests, Library
from lora_mixer.conditioning import EmbeddingVectors
from lora_mixer.mixer.shelf import Shelf
from lora_mixer.models import open_model
from lora_mixer.pipeline import Desk, Texts
from lora_mixer.request import ModelSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """An open model: the desk its pictures are rendered at, and its LoRAs as they lie on it."""

    source: ModelSource
    desk: Desk
    shelf: Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What every model of a mixer is opened with.

    Attributes:
        library: Where LoRAs are looked up.
        embeddings: The embeddings of the folders, by name.
        digests: What remembers the digests of model files.
        device: The device, or None for the best there is.
        dtype: The dtype, or None for what suits model and device.
        allow_partial: Accept LoRAs some of whose tensors fit nowhere.
        engine: How mixes are applied.
        merge_cache_mb: How many MiB of merged weights of earlier mixes are kept.
    """

    library: Library
    embeddings: Mapping[str, EmbeddingVectors]
    digests: FileDigests
    device: str | None
    dtype: str | None
    allow_partial: bool
    engine: str
    merge_cache_mb: int

    def open(self, source: ModelSource) -> Station:
        """Open a model.

        Raises:
            ModelError, FileError, RequestError: See `open_model`.
        """
        model = open_model(source, device=self.device, dtype=self.dtype, sha256=self.digests.sha256)
        merged = MergeEngine(model, cache_mb=self.merge_cache_mb)
        desk = Desk(
            model=model,
            merged=merged,
            side=SideEngine(model),
            texts=Texts(model, merged, self.embeddings),
            wanted=self.engine,
        )
        return Station(
            source=source, desk=desk, shelf=Shelf(self.library, model.index, allow_partial=self.allow_partial)
        )
