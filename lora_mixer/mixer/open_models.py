"""The models a mixer has open, one of them current: opening, choosing, looking into them, and what a request comes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from lora_mixer.blend import ApplyPlan, Overlap, measure
from lora_mixer.catalog import FileDigests, Library, ModelsFile, load_models_file
from lora_mixer.errors import RequestError
from lora_mixer.files import Leases
from lora_mixer.images import Inputs
from lora_mixer.mapping import MappingReport
from lora_mixer.mixer.batches import resolved
from lora_mixer.mixer.embeddings import open_embeddings
from lora_mixer.mixer.model_cache import ModelCache
from lora_mixer.mixer.planning import job_at, refuse_paths
from lora_mixer.mixer.session import LoadOptions
from lora_mixer.mixer.sources import source_of
from lora_mixer.mixer.turn import Turn, begin_computing
from lora_mixer.models import DTYPES, OFFLOAD_MODES, Model
from lora_mixer.pipeline import Job, LoadedModel, inputs_of
from lora_mixer.render_options import RenderOptions
from lora_mixer.request import ModelSource, RenderRequest


class OpenModels:
    """The models of a mixer. Calls from several threads take turns.

    One model is current: it renders what names no other. A request may name another one; it is opened then, and the
    least recently used one closed, so that at most `max_models` are in memory.
    """

    def __init__(
        self,
        models_file: ModelsFile,
        source: ModelSource,
        setup: LoadOptions,
        *,
        paths: bool = True,
        max_models: int = 1,
    ) -> None:
        self.models_file = models_file
        self.library = setup.library
        self.broken_embeddings = tuple(map(str, setup.broken.values()))
        self._paths = paths
        self._cache = ModelCache(setup.open, limit=max_models)
        self._first = self._current = source
        self._turn = Turn()

    @classmethod
    def open(
        cls,
        model: str | None = None,
        *,
        models_file: Path | None = None,
        device: str | None = None,
        dtype: str | None = None,
        computes: bool = True,
        allow_partial: bool = False,
        engine: str = "auto",
        offload: str = "auto",
        paths: bool = True,
        merge_cache_mb: int | None = None,
        max_models: int | None = None,
        tiled: bool | None = None,
        compiled: bool = False,
        threads: int | None = None,
    ) -> Self:
        """Open a model.

        Args:
            model: A name from models.toml, a `.safetensors` file, a diffusers folder or a hub id; None takes the
                default of models.toml.
            models_file: The models.toml to read; None looks in the working folder, then in the package.
            device: `cuda`, `mps`, `cpu`; None takes the best there is.
            dtype: `float32`, `bfloat16`, `float16`; None takes what suits the device.
            computes: Whether pictures are rendered; for `bake` alone, say no, and weights may be in any dtype anywhere.
            allow_partial: Accept LoRAs some of whose tensors fit nowhere on the model.
            engine: How mixes are applied: `merged`, `side`, `auto` to choose per batch by fixed costs, or `measured` to
                choose by this machine's own.
            offload: Where weights rest while they do not compute: `none` on the device, `model` on the CPU but for one
                network at a time, `sequential` on the CPU but for one module at a time; `auto` takes the first that
                fits into the device's memory.
            paths: Whether LoRAs and models may be named by path or hub id later on; say no where strangers name them.
            merge_cache_mb: How many MiB of merged weights of earlier mixes are kept; None takes what models.toml says,
                else twice the model's own weights, an eighth of the free memory or 1024, whichever is least.
            max_models: How many models may be in memory at once; None takes what models.toml says (1 if nothing).
            tiled: Decode pictures in overlapping tiles: a third of the memory, a little slower; None does so where
                memory is short.
            compiled: Let torch compile the denoiser: minutes at the first step of every size.
            threads: CPU threads that compute a picture; None takes as many as help: one for a model as small as the
                embedded one, else as many as torch uses. The last bits of a picture depend on their number, which its
                record holds.

        Raises:
            RequestError: An option has no such value.
            ConfigError: models.toml is wrong.
            ModelError: The model is unknown or cannot be opened.
        """
        defaults = RenderOptions(engine=engine, threads=threads, tiled=tiled)
        for what, value, known in (("offload", offload, OFFLOAD_MODES), ("dtype", dtype, DTYPES)):
            if value is not None and value not in known:
                raise RequestError(f"there is no {what} {value!r}", remedy=f"Use one of {', '.join(known)}.")
        if merge_cache_mb is not None and merge_cache_mb < 0:
            raise RequestError(f"merge_cache_mb {merge_cache_mb} is out of range", remedy="Use 0 or more.")
        begin_computing()
        file = load_models_file(models_file)
        embeddings, broken = open_embeddings(file.embedding_folders)
        setup = LoadOptions(
            library=Library(file.lora_folders, paths=paths),
            embeddings=embeddings,
            broken=broken,
            digests=FileDigests(),
            device=device,
            dtype=dtype,
            allow_partial=allow_partial,
            computes=computes,
            offload=offload,
            merge_cache_mb=file.merge_cache_mb if merge_cache_mb is None else merge_cache_mb,
            defaults=defaults,
            compiled=compiled,
        )
        limit = file.max_models if max_models is None else max_models
        mixer = cls(file, file.model(model), setup, paths=paths, max_models=limit)
        mixer.use()
        return mixer

    def close(self) -> None:
        """Close the models and give their memory back; a closed mixer renders nothing more.

        >>> from lora_mixer import Mixer
        >>> with Mixer.open() as mixer:
        ...     picture = mixer.render("cat", steps=1)
        """
        with self._turn:
            self._cache.close()

    def __enter__(self) -> Self:
        """Return the mixer; leaving the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the mixer."""
        self.close()

    def use(self, model: str | None = None) -> None:
        """Make a model the current one, and open it if it is not.

        Args:
            model: A name of models.toml, or a path or hub id where those are allowed; None opens the current one.

        Raises:
            RequestError: A path is named where that is not allowed.
            ModelError: The model is unknown or cannot be opened; the one before stays the current one.
            FileError: One of its files cannot be used.
        """
        with self._turn:
            source = self._source(model)
            self._cache.take(source)
            self._current = source

    @property
    def model_name(self) -> str:
        """The name of the current model; asking for it opens nothing."""
        return self._current.name

    @property
    def model(self) -> Model:
        """The current model, opened again if another one has taken its place."""
        return self.loaded.model

    @property
    def loaded(self) -> LoadedModel:
        """The current model with its engines and text encoders, for what lies beneath this class."""
        with self._turn:
            return self._cache.take(self._current).loaded

    def loaded_for(self, request: RenderRequest) -> LoadedModel:
        """Return the model a request is rendered with, opened if it is not, with its engines and text encoders.

        Raises:
            ModelError: The model is unknown or cannot be opened.
        """
        with self._turn:
            return self._cache.take(self._source(request.model)).loaded

    @property
    def native_size(self) -> tuple[int, int]:
        """The (width, height) in pixels the current model was trained at."""
        return self.model.native_size

    def inspect(self, name: str, *, model: str | None = None) -> MappingReport:
        """Return where every tensor of a LoRA goes on a model; None is the current one.

        Raises:
            AdapterError: The LoRA is unknown or does not fit.
        """
        with self._turn:
            return self._cache.take(self._source(model)).adapters.take(name).report

    def overlap(self, names: Iterable[str], *, model: str | None = None) -> Overlap:
        """Return how far each of some LoRAs moves the weights, and how much they have in common.

        Raises:
            AdapterError: One of them is unknown or does not fit.
        """
        with self._turn:
            session = self._cache.take(self._source(model))
            asked = dict.fromkeys(names)
            adapters = [session.adapters.take(name) for name in asked]
            seals = [seal for name in asked for seal in session.adapters.seals(name)]
            with Leases((*session.loaded.model.seals, *seals)) as files:
                session.loaded.rest()
                found = measure(session.loaded.model, adapters)
                files.check()
            return found

    def inputs_of(self, job: Job) -> Inputs:
        """Return what a resolved job's picture is made from besides its settings: digests of files, versions, device.

        Raises:
            ModelError, FileError: Its model cannot be opened.
        """
        with self._turn:
            return inputs_of(self._loaded_for(job), job)

    def plan(self, jobs: Sequence[Job], options: RenderOptions | None = None) -> ApplyPlan:
        """Return which engine would apply the mixes of some jobs that are rendered together, and why.

        Raises:
            RequestError: The engine that is asked for cannot.
            ModelError, FileError: Their model cannot be opened.
        """
        with self._turn:
            first = [job.passes[0] for job in jobs]
            return self._loaded_for(jobs[0]).plan(first, None if options is None else options.engine)

    def _resolved(self, requests: Sequence[RenderRequest]) -> list[Job]:
        """Return what requests come to, each on its model."""
        with self._turn:
            return resolved(requests, self._source, self._job)

    def _loaded_for(self, job: Job) -> LoadedModel:
        return self._cache.take(job.source or self._current).loaded

    def _job(self, asked: RenderRequest, source: ModelSource) -> Job:
        if not self._paths:
            refuse_paths(asked)
        return job_at(self._cache.take(source), asked, self.models_file)

    def _source(self, asked: str | None) -> ModelSource:
        return source_of(
            asked, current=self._current, first=self._first, models_file=self.models_file, paths=self._paths
        )
