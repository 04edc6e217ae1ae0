"""A mixer's requests resolved into jobs, and what is done with a job besides drawing it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Unpack

from lora_mixer.blend import ApplyPlan
from lora_mixer.export import BakeReport, OnModule
from lora_mixer.files import Leases
from lora_mixer.images import Inputs
from lora_mixer.mixer.asked import as_path, as_request
from lora_mixer.mixer.baking import bake
from lora_mixer.mixer.batches import resolved
from lora_mixer.mixer.open_models import OpenModels
from lora_mixer.mixer.options import RequestOptions
from lora_mixer.mixer.places import with_places
from lora_mixer.mixer.planning import job_at, refuse_paths
from lora_mixer.pipeline import Job, LoadedModel, inputs_of
from lora_mixer.places import DrawnMask
from lora_mixer.render_options import RenderOptions
from lora_mixer.request import ModelSource, RenderRequest
from lora_mixer.version import __version__


class JobResolver(OpenModels):
    """The models of a mixer, and requests resolved on them. Nothing is drawn here."""

    def resolve(self, request: RenderRequest | str, **fields: Unpack[RequestOptions]) -> Job:
        """Resolve a request on its model: fill in defaults, draw seeds, parse the prompt, open adapters.

        This is a dry run of one picture, and makes the jobs that `render_jobs` renders.

        Raises:
            LoraMixerError: What `render` would raise before its first step.
        """
        return self._resolved([as_request(request, fields)])[0]

    def placed_as(self, job: Job, found: Mapping[str, DrawnMask]) -> Job:
        """Return a job with places that were found before, such as those of a record, in the stead of a probe's.

        Args:
            job: The job.
            found: The places, by the words of what lies there.
        """
        if not found or not job.seeks:
            return job
        with self._turn:
            return with_places(self.cache.take(job.source or self._current), job, found)

    def job(self, request: RenderRequest | str, **fields: Unpack[RequestOptions]) -> Job:
        """The name of `resolve` in release 0.1."""
        warnings.warn("Mixer.job is called Mixer.resolve now", DeprecationWarning, stacklevel=2)
        return self.resolve(request, **fields)

    def inputs_of(self, job: Job) -> Inputs:
        """Return a job's inputs besides its settings: file digests, versions, device.

        Raises:
            ModelError, FileError: Its model cannot be opened.
        """
        with self._turn:
            return inputs_of(self._loaded_for(job), job)

    def plan(self, jobs: Sequence[Job], options: RenderOptions | None = None) -> ApplyPlan:
        """Return the engine that would apply the mixes of one batch, and why.

        Raises:
            RequestError: The requested engine cannot apply them.
            ModelError, FileError: Their model cannot be opened.
        """
        with self._turn:
            first = [job.passes[0] for job in jobs]
            return self._loaded_for(jobs[0]).plan(first, None if options is None else options.engine)

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
        **fields: Unpack[RequestOptions],
    ) -> BakeReport:
        """Write a request's mix down for other programs.

        Args:
            request: A request, or just a prompt with LoRA tags; only its mix and its model count.
            path: The file or folder to write.
            form: `lora` for one LoRA in kohya's naming, `checkpoint` for the merged model as a single file, `folder`
                for the merged model as a diffusers folder.
            rank: The most ranks a module of the LoRA may have.
            dtype: The stored dtype: `float16`, `bfloat16`, `float32`.
            overwrite: Replace an existing file.
            on_module: Called with the number of modules done and the total, while a LoRA is written.
            fields: Fields of `RenderRequest` that replace the request's.

        Raises:
            RequestError: The mix varies over steps or texts, or an argument is impossible.
            FileError: It cannot be written.
            LoraMixerError: What `render` would raise before its first step.
        """
        asked, target = as_request(request, fields), as_path(path, example='path="mix.safetensors"')
        with self._turn:
            source = self._source(asked.model)
            job = self._job(asked, source)
            with Leases(job.files) as files:
                return bake(
                    self.cache.take(source).loaded,
                    job,
                    target,
                    form=form,
                    rank=rank,
                    dtype=dtype,
                    overwrite=overwrite,
                    version=__version__,
                    on_module=on_module,
                    check=files.check,
                )

    def _resolved(self, requests: Sequence[RenderRequest]) -> list[Job]:
        """Resolve requests, each on its model."""
        with self._turn:
            return resolved(requests, self._source, self._job)

    def _loaded_for(self, job: Job) -> LoadedModel:
        return self.cache.take(job.source or self._current).loaded

    def _job(self, asked: RenderRequest, source: ModelSource) -> Job:
        if not self._paths:
            refuse_paths(asked)
        return job_at(self.cache.take(source), asked, self.models_file)
