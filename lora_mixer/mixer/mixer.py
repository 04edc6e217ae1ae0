"""`Mixer`: models, LoRA folders, and rendering."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self, Unpack

from lora_mixer.blend import ENGINES, Overlap, measure
from lora_mixer.catalog import FileDigests, Library, ModelsFile, load_models_file
from lora_mixer.errors import RequestError
from lora_mixer.export import BakeReport, OnModule
from lora_mixer.files import Leases
from lora_mixer.mapping import MappingReport
from lora_mixer.mixer.asked import as_request, as_requests
from lora_mixer.mixer.baking import bake
from lora_mixer.mixer.batches import OnFailure, Rendering, in_order, planned, report_failures
from lora_mixer.mixer.embeddings import open_embeddings
from lora_mixer.mixer.model_cache import ModelCache
from lora_mixer.mixer.options import RequestOptions
from lora_mixer.mixer.planning import job_at, refuse_paths
from lora_mixer.mixer.progress import Cancel, OnProgress
from lora_mixer.mixer.render_job import RenderJob
from lora_mixer.mixer.session import LoadOptions
from lora_mixer.mixer.sources import source_of
from lora_mixer.mixer.sweeping import Strengths, sweep_of
from lora_mixer.mixer.turn import Turn, begin_computing
from lora_mixer.models import DTYPES, OFFLOAD_MODES, Model
from lora_mixer.pipeline import Job, LoadedModel, RenderedImage
from lora_mixer.request import ModelSource, RenderRequest
from lora_mixer.sheet import Sheet
from lora_mixer.version import __version__


class BaseMixer:
    """Models with their LoRAs, ready to render; the public `Mixer` adds runs into folders. Calls from several threads take turns.

    One model is current: it renders what names no other. A request may name another one; it is opened then, and the
    least recently used one closed, so that at most `max_models` are in memory.

    >>> mixer = BaseMixer.open()
    >>> [use.image.size == mixer.native_size for use in mixer.render_many(["cat", "sun"], steps=1)]
    [True, True]
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
        for what, value, known in (
            ("engine", engine, ENGINES),
            ("offload", offload, OFFLOAD_MODES),
            ("dtype", dtype, DTYPES),
        ):
            if value is not None and value not in known:
                raise RequestError(f"there is no {what} {value!r}", remedy=f"Use one of {', '.join(known)}.")
        if threads is not None and threads < 1:
            raise RequestError(f"{threads} threads are out of range", remedy="Use 1 or more.")
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
            engine=engine,
            offload=offload,
            merge_cache_mb=file.merge_cache_mb if merge_cache_mb is None else merge_cache_mb,
            tiled=tiled,
            compiled=compiled,
            threads=threads,
        )
        limit = file.max_models if max_models is None else max_models
        mixer = cls(file, file.model(model), setup, paths=paths, max_models=limit)
        mixer.use()
        return mixer

    def close(self) -> None:
        """Close the models and give their memory back; a closed mixer renders nothing more.

        >>> with BaseMixer.open() as mixer:
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

    def render(
        self,
        request: RenderRequest | str,
        *,
        on_progress: OnProgress | None = None,
        cancel: Cancel | None = None,
        **options: Unpack[RequestOptions],
    ) -> RenderedImage:
        """Render one picture.

        Args:
            request: A request, or just its prompt.
            on_progress: Called after every step.
            cancel: Stops the render within one step when pressed.
            options: Fields of `RenderRequest` (steps, seed, loras, ...), laid over the request.

        Raises:
            LoraMixerError: See `lora_mixer.errors`.
        """
        return next(self.render_many([request], on_progress=on_progress, cancel=cancel, **options))

    def render_many(
        self,
        requests: Iterable[RenderRequest | str],
        *,
        batch: int = 4,
        on_progress: OnProgress | None = None,
        on_failure: OnFailure | None = None,
        cancel: Cancel | None = None,
        **options: Unpack[RequestOptions],
    ) -> Iterator[RenderedImage]:
        """Render many pictures and yield each in the order asked for, as soon as it is done.

        Neighbours that share model, size, steps and sampler are rendered together, up to `batch` at a time; each may
        have its own prompt, seed, cfg and mix, and comes out as if it were alone. Where requests name several models,
        each model's pictures are rendered one after the other, and those that come early are held back.

        Args:
            requests: Requests, or just prompts.
            batch: Pictures per batch.
            on_progress: Called after every step of every batch.
            on_failure: Called with the place and the reason of a picture that failed while it was rendered; the
                others are rendered. Without it the first failure is raised.
            cancel: Stops within one step when pressed.
            options: Fields of `RenderRequest`, laid over every request.

        Where memory runs out, the batch is rendered again in halves; a picture that does not fit alone has failed.

        Raises:
            LoraMixerError: See `lora_mixer.errors`; all requests are checked before the first picture.
        """
        return in_order(self._pictures(requests, batch, on_progress, on_failure, cancel, options))

    def submit(
        self, requests: Iterable[RenderRequest | str], *, batch: int = 4, **options: Unpack[RequestOptions]
    ) -> RenderJob:
        """Do what `render_many` does in a thread of its own, beginning at once.

        Returns:
            A handle: progress, cancel, results, and the pictures as they are done, in asyncio too.
        """
        render = partial(self.render_many, requests, batch=batch, **options)
        return RenderJob(lambda on_progress, cancel: render(on_progress=on_progress, cancel=cancel))

    async def stream(
        self, requests: Iterable[RenderRequest | str], *, batch: int = 4, **options: Unpack[RequestOptions]
    ) -> AsyncIterator[RenderedImage]:
        """Do what `render_many` does without blocking the event loop; who stops listening stops the rendering.

        Raises:
            LoraMixerError: See `render_many`.
        """
        job = self.submit(requests, batch=batch, **options)
        try:
            async for picture in job:
                yield picture
        finally:
            job.cancel()

    def render_as_done(
        self,
        requests: Iterable[RenderRequest | str],
        *,
        batch: int = 4,
        on_progress: OnProgress | None = None,
        on_failure: OnFailure | None = None,
        cancel: Cancel | None = None,
        **options: Unpack[RequestOptions],
    ) -> Iterator[tuple[int, RenderedImage]]:
        """Do what `render_many` does, and yield each picture with its place among the requests, model by model.

        Raises:
            LoraMixerError: See `render_many`.
        """
        for index, picture in self._pictures(requests, batch, on_progress, on_failure, cancel, options):
            if picture is not None:
                yield index, picture

    def sweep(
        self,
        request: RenderRequest | str,
        strengths: Strengths,
        *,
        seeds: Iterable[int] | None = None,
        batch: int = 4,
        on_progress: OnProgress | None = None,
        cancel: Cancel | None = None,
        **options: Unpack[RequestOptions],
    ) -> Sheet:
        """Render one prompt under every combination of LoRA strengths, as a labelled grid.

        The first LoRA varies along the columns, all others and the seeds along the rows. The cells are the rendered
        images, each with its record.

        Args:
            request: A request, or just its prompt.
            strengths: Those of each LoRA, such as `{"line_art": [0, 0.5, 1], "night_sky": [0, 1]}`.
            seeds: Several seeds; None takes the request's own.
            batch: Pictures per batch.
            on_progress: Called after every step of every batch.
            cancel: Stops within one step when pressed.
            options: Fields of `RenderRequest`, laid over the request; `loras` stay the same in every picture.

        Raises:
            LoraMixerError: See `render_many`.
        """
        sweep = sweep_of(as_request(request, options), strengths, seeds)
        pictures = self.render_many(sweep.requests, batch=batch, on_progress=on_progress, cancel=cancel)
        return replace(Sheet.of(pictures, columns=len(sweep.labels.columns)), labels=sweep.labels)

    def job(self, request: RenderRequest | str, **options: Unpack[RequestOptions]) -> Job:
        """Return what a request comes to on its model, without rendering it: a dry run of one picture.

        Raises:
            LoraMixerError: What `render` would raise before its first step.
        """
        asked = as_request(request, options)
        with self._turn:
            return self._job(asked, self._source(asked.model))

    def bake(
        self,
        request: RenderRequest | str,
        path: str | Path,
        *,
        form: str = "lora",
        rank: int = 64,
        dtype: str = "float16",
        overwrite: bool = False,
        on_module: OnModule | None = None,
        **options: Unpack[RequestOptions],
    ) -> BakeReport:
        """Write a request's mix down for other programs.

        Args:
            request: A request, or just a prompt with LoRA tags; only its mix and its model count.
            path: The file or folder to write.
            form: `lora` for one LoRA in kohya's naming, `checkpoint` for the merged model as a single file, `folder`
                for the merged model as a diffusers folder.
            rank: The most ranks a module of the LoRA may have.
            dtype: What the tensors are stored in: `float16`, `bfloat16`, `float32`.
            overwrite: Replace what lies there.
            on_module: Hears how many modules of a LoRA are done, and how many there are.
            options: Fields of `RenderRequest`, laid over the request.

        Raises:
            RequestError: The mix changes over the steps or from text to text, or an argument is impossible.
            FileError: It cannot be written.
            LoraMixerError: What `render` would raise before its first step.
        """
        asked = as_request(request, options)
        with self._turn:
            source = self._source(asked.model)
            job = self._job(asked, source)
            with Leases(job.files):
                return bake(
                    self._cache.take(source).loaded,
                    job,
                    Path(path),
                    form=form,
                    rank=rank,
                    dtype=dtype,
                    overwrite=overwrite,
                    version=__version__,
                    on_module=on_module,
                )

    def _pictures(
        self,
        requests: Iterable[RenderRequest | str],
        batch: int,
        on_progress: OnProgress | None,
        on_failure: OnFailure | None,
        cancel: Cancel | None,
        options: RequestOptions,
    ) -> Iterator[tuple[int, RenderedImage | None]]:
        if batch < 1:
            raise RequestError(f"batch {batch} is out of range", remedy="Use 1 or more.")
        asked = as_requests(requests, options)
        with self._turn:
            plans = planned(asked, self._source, self._job)
        rendering = Rendering(self._cache, self._turn, on_progress=on_progress, cancel=cancel)
        yield from report_failures(rendering.outcomes(plans, batch), on_failure)

    def _job(self, asked: RenderRequest, source: ModelSource) -> Job:
        if not self._paths:
            refuse_paths(asked)
        return job_at(self._cache.take(source), asked, self.models_file)

    def _source(self, asked: str | None) -> ModelSource:
        return source_of(
            asked, current=self._current, first=self._first, models_file=self.models_file, paths=self._paths
        )
