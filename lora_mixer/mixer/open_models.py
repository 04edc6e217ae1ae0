"""A mixer's open models: opening and selecting them, and what LoRAs do to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Self

from lora_mixer.blend import Overlap, Stack, WeightedAdapter, measure
from lora_mixer.catalog import ModelsFile, load_models_file
from lora_mixer.choices import BY_BLOCK, SUM, find_method
from lora_mixer.errors import RequestError
from lora_mixer.files import Leases
from lora_mixer.mapping import MappingReport
from lora_mixer.mixer.balancing import Balance, balance_of
from lora_mixer.mixer.model_cache import ModelCache
from lora_mixer.mixer.session import LoadOptions
from lora_mixer.mixer.sources import source_of
from lora_mixer.mixer.turn import Turn, begin_computing
from lora_mixer.mixes import Loras, Strength, mix_of
from lora_mixer.models import DTYPES, OFFLOAD_MODES, Model
from lora_mixer.pipeline import LoadedModel
from lora_mixer.render_options import RenderOptions
from lora_mixer.request import ModelSource, RenderRequest


class OpenModels:
    """The models of a mixer. Calls from several threads take turns.

    One model is current: it renders requests that name none. Another one is opened when a request names it, and the least
    recently used is closed, so that at most `max_models` are in memory.
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
        self.upscalers = setup.upscalers
        self.broken_embeddings = tuple(map(str, setup.broken.values()))
        self._paths = paths
        self.cache = ModelCache(setup.open, limit=max_models)
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
            model: A name from models.toml, a `.safetensors` file, a diffusers folder or a hub id; None for the default.
            models_file: The models.toml to read; by default that of the working folder, else the package's.
            device: `cuda`, `mps` or `cpu`; by default the best available.
            dtype: `float32`, `bfloat16` or `float16`; by default what suits the device.
            computes: False if the model is only baked: its weights may then be in any dtype on any device.
            allow_partial: Accept LoRAs with tensors that fit nowhere on the model.
            engine: How mixes are applied: `merged`, `side`, `auto` (by fixed costs) or `measured` (by this machine's).
            offload: Where weights rest: `none` (on the device), `model` or `sequential` (on the CPU, except for the
                network or the module that computes), or `auto`, the first that fits into the device's memory.
            paths: False refuses LoRAs and models named by path or hub id, for requests from strangers.
            merge_cache_mb: MiB of merged weights to keep; by default what models.toml says, else the smallest of twice
                the model's weights, an eighth of the free memory, and 1024.
            max_models: Models in memory at once; by default what models.toml says, else 1.
            tiled: Decode in overlapping tiles: a third of the memory, slightly slower; by default if memory is short.
            compiled: Compile the denoiser with torch; the first step at every size takes minutes.
            threads: CPU threads per picture; by default as many as help (one for the embedded model). They change a
                picture's last bits, so its record holds their number.

        Raises:
            RequestError: An option has no such value.
            ConfigError: models.toml is wrong.
            ModelError: The model is unknown or cannot be opened.
        """
        defaults = RenderOptions(engine=engine, threads=threads, tiled=tiled)
        _check(offload=offload, dtype=dtype, merge_cache_mb=merge_cache_mb)
        begin_computing()
        file = load_models_file(models_file)
        setup = LoadOptions.of(file, paths=paths, allow_partial=allow_partial, merge_cache_mb=merge_cache_mb)
        setup = replace(
            setup, device=device, dtype=dtype, offload=offload, computes=computes, compiled=compiled, defaults=defaults
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
            self.cache.close()

    def __enter__(self) -> Self:
        """Return the mixer; leaving the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the mixer."""
        self.close()

    def use(self, model: str | None = None) -> None:
        """Make a model the current one, opening it if needed.

        Args:
            model: A name from models.toml, or a path or hub id where allowed; None opens the current one.

        Raises:
            RequestError: Paths are not allowed, and one is named.
            ModelError: The model is unknown or cannot be opened; the current model stays.
            FileError: One of its files cannot be used.
        """
        with self._turn:
            source = self._source(model)
            self.cache.take(source)
            self._current = source

    @property
    def model_name(self) -> str:
        """The name of the current model, without opening it."""
        return self._current.name

    @property
    def model(self) -> Model:
        """The current model, reopened if it was closed for another."""
        return self.loaded.model

    @property
    def loaded(self) -> LoadedModel:
        """The current model with its engines and text encoders."""
        with self._turn:
            return self.cache.take(self._current).loaded

    def loaded_for(self, request: RenderRequest) -> LoadedModel:
        """Return the model of a request with its engines and text encoders, opening it if needed.

        Raises:
            ModelError: The model is unknown or cannot be opened.
        """
        with self._turn:
            return self.cache.take(self._source(request.model)).loaded

    @property
    def native_size(self) -> tuple[int, int]:
        """The (width, height) in pixels the current model was trained at."""
        return self.model.native_size

    def inspect(self, name: str, *, model: str | None = None) -> MappingReport:
        """Report where every tensor of a LoRA goes on a model; None is the current one.

        Raises:
            AdapterError: The LoRA is unknown or does not fit.
        """
        with self._turn:
            return self.cache.take(self._source(model)).adapters.take(name).report

    def overlap(self, names: Iterable[str], *, method: str = "sum", model: str | None = None) -> Overlap:
        """Return how far each LoRA moves the weights, and how much they overlap.

        Args:
            names: The LoRAs; a table of strengths by name says at which ones another method than the sum is measured.
            method: How they are blended.
            model: The model; None is the current one.

        Raises:
            RequestError: There is no such method.
            AdapterError: One of them is unknown or does not fit.
        """
        with self._turn:
            session = self.cache.take(self._source(model))
            asked = dict.fromkeys(names)
            adapters = [session.adapters.take(name) for name in asked]
            strengths = names if isinstance(names, Mapping) else dict.fromkeys(asked, 1.0)
            stack = Stack(
                (
                    WeightedAdapter(adapter=a, strength=Strength(strengths[n]))
                    for n, a in zip(asked, adapters, strict=True)
                ),
                method=find_method(method),
            )
            mix = None if stack.method == SUM else stack
            seals = [seal for name in asked for seal in session.adapters.seals(name)]
            with Leases((*session.loaded.model.seals, *seals)) as files:
                session.loaded.rest()
                found = measure(session.loaded.model, adapters, mix)
                files.check()
            return found

    def balanced(self, loras: Loras, *, per: str = BY_BLOCK, model: str | None = None) -> Balance:
        """Return a mix with strengths scaled so that together its LoRAs change no more than one of them does.

        Args:
            loras: The mix.
            per: `block` (a factor a block), or `mix` (one factor).
            model: The model; None is the current one.

        Raises:
            RequestError: There is no such balance.
            AdapterError: A LoRA is unknown or does not fit.
        """
        with self._turn:
            return balance_of(self.cache.take(self._source(model)).measuring, mix_of(loras), per)

    def _source(self, asked: str | None) -> ModelSource:
        return source_of(
            asked, current=self._current, first=self._first, models_file=self.models_file, paths=self._paths
        )


def _check(*, offload: str, dtype: str | None, merge_cache_mb: int | None) -> None:
    """Refuse invalid options.

    Raises:
        RequestError: The option is in the text.
    """
    for what, value, known in (("offload", offload, OFFLOAD_MODES), ("dtype", dtype, DTYPES)):
        if value is not None and value not in known:
            raise RequestError(f"there is no {what} {value!r}", remedy=f"Use one of {', '.join(known)}.")
    if merge_cache_mb is not None and merge_cache_mb < 0:
        raise RequestError(f"merge_cache_mb {merge_cache_mb} is out of range", remedy="Use 0 or more.")
