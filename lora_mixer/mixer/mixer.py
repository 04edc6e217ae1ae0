"""`Mixer`: one open model, its LoRA folders, and rendering."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self, Unpack

from lora_mixer.apply import DEFAULT_CACHE_MB, MergeEngine, SideEngine
from lora_mixer.catalog import Library, ModelsFile, load_models_file
from lora_mixer.errors import RenderError, RequestError
from lora_mixer.mapping import MappingReport
from lora_mixer.mixer.embeddings import open_embeddings
from lora_mixer.mixer.options import RequestOptions
from lora_mixer.mixer.progress import Cancel, Progress
from lora_mixer.mixer.resolve import drawn, job_of, settings_of, styled
from lora_mixer.mixer.shelf import Shelf
from lora_mixer.models import Model, open_model
from lora_mixer.pipeline import Desk, Job, RenderedImage, Texts, batch_key, render
from lora_mixer.request import RenderRequest
from lora_mixer.sampling import Step

OnProgress = Callable[[Progress], None]


class Mixer:
    """An open model with its LoRAs, ready to render. Calls from several threads take turns.

    >>> mixer = Mixer.open()
    >>> [use.image.size == mixer.native_size for use in mixer.render_many(["cat", "sun"], steps=1)]
    [True, True]
    """

    def __init__(
        self,
        model: Model,
        models_file: ModelsFile,
        *,
        allow_partial: bool = False,
        engine: str = "auto",
        paths: bool = True,
        merge_cache_mb: int = DEFAULT_CACHE_MB,
    ) -> None:
        self.models_file = models_file
        self.library = Library(models_file.lora_folders, paths=paths)
        self._model = model
        self._shelf = Shelf(self.library, model.index, allow_partial=allow_partial)
        merged = MergeEngine(model, cache_mb=merge_cache_mb)
        embeddings, self.broken_embeddings = open_embeddings(models_file.embedding_folders)
        self._desk = Desk(
            model=model,
            merged=merged,
            side=SideEngine(model),
            texts=Texts(model, merged, embeddings),
            wanted=engine,
        )
        self._turn = threading.RLock()

    @classmethod
    def open(
        cls,
        model: str | None = None,
        *,
        models_file: Path | None = None,
        device: str | None = None,
        dtype: str | None = None,
        allow_partial: bool = False,
        engine: str = "auto",
        paths: bool = True,
        merge_cache_mb: int = DEFAULT_CACHE_MB,
    ) -> Self:
        """Open a model.

        Args:
            model: A name from models.toml, a `.safetensors` file, a diffusers folder or a hub id; None takes the
                default of models.toml.
            models_file: The models.toml to read; None looks in the working folder, then in the package.
            device: `cuda`, `mps`, `cpu`; None takes the best there is.
            dtype: `float32`, `bfloat16`, `float16`; None takes what suits the device.
            allow_partial: Accept LoRAs some of whose tensors fit nowhere on the model.
            engine: How mixes are applied: `merged`, `side`, or `auto` to choose per batch.
            paths: Whether a LoRA's name may be the path of a file; say no where strangers name LoRAs.
            merge_cache_mb: How many MiB of merged weights of earlier mixes are kept.

        Raises:
            ConfigError: models.toml is wrong.
            ModelError: The model is unknown or cannot be opened.
        """
        file = load_models_file(models_file)
        opened = open_model(file.model(model), device=device, dtype=dtype)
        return cls(
            opened,
            file,
            allow_partial=allow_partial,
            engine=engine,
            paths=paths,
            merge_cache_mb=merge_cache_mb,
        )

    @property
    def model(self) -> Model:
        """The open model."""
        return self._model

    @property
    def desk(self) -> Desk:
        """The model with its engines and text encoders, for what lies beneath this class."""
        return self._desk

    @property
    def native_size(self) -> tuple[int, int]:
        """The (width, height) in pixels the model was trained at."""
        return self._model.native_size

    def inspect(self, name: str) -> MappingReport:
        """Return where every tensor of a LoRA goes on this model.

        Raises:
            AdapterError: The LoRA is unknown or does not fit.
        """
        with self._turn:
            return self._shelf.take(name).report

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
        cancel: Cancel | None = None,
        **options: Unpack[RequestOptions],
    ) -> Iterator[RenderedImage]:
        """Render many pictures and yield each as soon as it is done, in the order asked for.

        Neighbours that share size, steps and sampler are rendered together, up to `batch` at a time; each may have
        its own prompt, seed, cfg and mix, and comes out as if it were alone.

        Args:
            requests: Requests, or just prompts.
            batch: Pictures per batch.
            on_progress: Called after every step of every batch.
            cancel: Stops within one step when pressed.
            options: Fields of `RenderRequest`, laid over every request.

        Raises:
            LoraMixerError: See `lora_mixer.errors`; all requests are checked before the first picture.
        """
        if isinstance(requests, str):
            raise RequestError("one prompt is not a list of them", remedy="Write [prompt], or use render.")
        if batch < 1:
            raise RequestError(f"batch {batch} is out of range", remedy="Use 1 or more.")
        with self._turn:
            jobs = [self.job(request, **options) for request in requests]
        done = 0
        for group in _batches(jobs, batch):
            finished = []
            with self._turn:
                for event in _guarded(render(self._desk, group)):
                    if isinstance(event, RenderedImage):
                        finished.append(event)
                        continue
                    if cancel is not None:
                        cancel.check()
                    if on_progress is not None:
                        on_progress(self._progress(event, done, len(jobs), len(group)))
            done += len(finished)
            yield from finished

    def job(self, request: RenderRequest | str, **options: Unpack[RequestOptions]) -> Job:
        """Return what a request comes to on this model, without rendering it: a dry run of one picture.

        Raises:
            LoraMixerError: What `render` would raise before its first step.
        """
        asked = RenderRequest(prompt=request) if isinstance(request, str) else request
        asked = replace(asked, **options)
        self._check_model(asked.model)
        filled = asked.over(self.models_file.defaults_for(self._model.name))
        settings = settings_of(
            filled,
            model=self._model.name,
            native_size=self.native_size,
            emphasis=self._desk.texts.default_emphasis,
        )
        settings = styled(settings, filled.styles, self.models_file.style_files)
        settings = drawn(settings, self.models_file.wildcard_folders)
        job = job_of(settings, self._shelf, family=self._model.family, embeddings=self._desk.texts.names)
        return replace(job, notes=(f"styles: {', '.join(filled.styles)}", *job.notes)) if filled.styles else job

    def _check_model(self, asked: str | None) -> None:
        opened = self._model.name
        if asked is not None and asked != opened and self.models_file.model(asked).name != opened:
            raise RequestError(
                f"the model {asked} is asked for, and the one that is open is {opened}",
                remedy=f"Open {asked} for it; one mixer renders with one model.",
            )

    def _progress(self, step: Step, done: int, total: int, batch: int) -> Progress:
        return Progress(
            done=done,
            total=total,
            step=step.index + 1,
            steps=step.total,
            batch=batch,
            preview=lambda: self._desk.picture(step.predicted[0]),
        )


def _batches(jobs: Sequence[Job], size: int) -> Iterator[list[Job]]:
    group: list[Job] = []
    for job in jobs:
        if group and (len(group) >= size or batch_key(job.settings) != batch_key(group[0].settings)):
            yield group
            group = []
        group.append(job)
    if group:
        yield group


def _guarded(events: Iterator[Step | RenderedImage]) -> Iterator[Step | RenderedImage]:
    try:
        yield from events
    except MemoryError as error:
        raise _out_of_memory() from error
    except RuntimeError as error:
        if "out of memory" in str(error).lower():
            raise _out_of_memory() from error
        raise


def _out_of_memory() -> RenderError:
    return RenderError("memory ran out", remedy="Lower the batch (--batch 1), the size, or close other programs.")
