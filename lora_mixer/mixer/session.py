"""An open model with everything that belongs to it alone, and what all models of a mixer are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from lora_mixer.blend import MergeEngine, SideEngine
from lora_mixer.catalog import FileDigests, Library, ModelsFile, UpscalerLibrary
from lora_mixer.conditioning import EmbeddingVectors
from lora_mixer.errors import FileError
from lora_mixer.mixer.adapter_cache import AdapterCache
from lora_mixer.mixer.embeddings import open_embeddings
from lora_mixer.mixer.measuring import Measuring
from lora_mixer.mixer.networks import UpscalerFinder
from lora_mixer.models import Model, helpful_threads, open_model
from lora_mixer.pipeline import Calibrations, LoadedModel, TextCache
from lora_mixer.render_options import RenderOptions
from lora_mixer.request import ModelSource


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSession:
    """An open model with its LoRAs, what was measured of them, its upscalers, and the embeddings that cannot be read."""

    source: ModelSource
    loaded: LoadedModel
    adapters: AdapterCache
    upscalers: UpscalerFinder
    calibrations: Calibrations
    broken: Mapping[str, FileError]

    @property
    def measuring(self) -> Measuring:
        """What finds, opens and measures LoRAs on this model."""
        return Measuring(adapters=self.adapters, loaded=self.loaded, calibrations=self.calibrations)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What every model of a mixer is opened with.

    Attributes:
        library: Where LoRAs are looked up.
        upscalers: Where networks that enlarge pictures are looked up.
        embeddings: The embeddings of the folders, by name.
        broken: Those that cannot be read, by name, and why.
        digests: What remembers the digests of model files.
        device: The device, or None for the best there is.
        dtype: The dtype, or None for what suits model and device.
        allow_partial: Accept LoRAs some of whose tensors fit nowhere.
        computes: Whether pictures are drawn.
        offload: Where weights rest while they do not compute.
        merge_cache_mb: How many MiB of merged weights of earlier mixes are kept; None sizes that by the model.
        defaults: How pictures are computed where a call says nothing else; threads of None are as many as help the model.
        compiled: Whether torch compiles the denoiser.
    """

    library: Library
    upscalers: UpscalerLibrary
    embeddings: Mapping[str, EmbeddingVectors]
    broken: Mapping[str, FileError]
    digests: FileDigests
    device: str | None = None
    dtype: str | None = None
    allow_partial: bool = False
    computes: bool = True
    offload: str = "auto"
    merge_cache_mb: int | None = None
    defaults: RenderOptions = field(default_factory=RenderOptions)
    compiled: bool = False

    @classmethod
    def of(cls, file: ModelsFile, *, paths: bool, allow_partial: bool, merge_cache_mb: int | None) -> Self:
        """Return the options that models.toml decides, with the files of its folders.

        Args:
            file: The models.toml.
            paths: Whether LoRAs may be named by path.
            allow_partial: See the attributes.
            merge_cache_mb: See the attributes; None takes what models.toml says.
        """
        embeddings, broken = open_embeddings(file.embedding_folders)
        return cls(
            library=Library(file.lora_folders, paths=paths),
            upscalers=UpscalerLibrary(file.upscaler_folders),
            embeddings=embeddings,
            broken=broken,
            digests=FileDigests(),
            allow_partial=allow_partial,
            merge_cache_mb=file.merge_cache_mb if merge_cache_mb is None else merge_cache_mb,
        )

    def open(self, source: ModelSource) -> ModelSession:
        """Open a model.

        Raises:
            ModelError, FileError, RequestError: See `open_model`.
        """
        model = open_model(
            source,
            device=self.device,
            dtype=self.dtype,
            offload=self.offload,
            computes=self.computes,
            sha256=self.digests.sha256,
        )
        if self.compiled:
            model.compile()
        merged = MergeEngine(model, cache_mb=self.merge_cache_mb)
        loaded = LoadedModel(
            model=model,
            merged=merged,
            side=SideEngine(model),
            texts=TextCache(model, merged, self.embeddings),
            defaults=replace(self.defaults, threads=self._threads(model)),
        )
        adapters = AdapterCache(self.library, model.index, allow_partial=self.allow_partial)
        return ModelSession(
            source=source,
            loaded=loaded,
            adapters=adapters,
            calibrations=Calibrations(loaded),
            upscalers=UpscalerFinder.of(self.upscalers, model),
            broken=self.broken,
        )

    def _threads(self, model: Model) -> int | None:
        """Return how many threads compute a render, where the CPU does."""
        return self.defaults.threads or (
            helpful_threads(model.denoiser.network) if model.device.type == "cpu" else None
        )
