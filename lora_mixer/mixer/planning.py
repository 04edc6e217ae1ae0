"""Turn requests into jobs on an open model, and jobs into batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from lora_mixer.catalog import ModelsFile
from lora_mixer.choices import find_sampler, is_alone
from lora_mixer.errors import RequestError
from lora_mixer.hires import batch_key
from lora_mixer.mixer.completing import expand_wildcards, settings_of, styled
from lora_mixer.mixer.embeddings import left_out, refuse_broken
from lora_mixer.mixer.networks import idle_upscaler
from lora_mixer.mixer.presets import filled_in, notes_on
from lora_mixer.mixer.resolve import job_of
from lora_mixer.mixer.session import ModelSession
from lora_mixer.mixer.starts import held, idle_start, opened
from lora_mixer.pipeline import Job
from lora_mixer.request import RenderRequest
from lora_mixer.settings.fitting import fitted, refuse_unfit

IndexedJob = tuple[int, Job]
"""A job with its request's index."""


def job_at(session: ModelSession, asked: RenderRequest, models_file: ModelsFile) -> Job:
    """Resolve a request on a model.

    Raises:
        LoraMixerError: Anything that rendering would raise before its first step.
    """
    name, model, texts = session.source.name, session.loaded.model, session.loaded.texts
    refuse_unfit(asked, model.family)
    filled = filled_in(asked, models_file.model_defaults.get(name, asked), models_file.defaults)
    filled = fitted(filled, model.family)
    filled, size = opened(held(filled), model.native_size)
    settings = settings_of(
        filled,
        model=name,
        native_size=size,
        emphasis=texts.default_emphasis,
        upscaler_for=session.upscalers.default,
    )
    settings, networks = session.upscalers.settled(settings)
    for network in filter(None, networks):
        session.loaded.upscalers.check(network)
    settings = styled(settings, filled.styles, models_file.style_files)
    find_sampler(settings.sampler, settings.schedule, settings.eta)  # refuses unknown names
    settings = expand_wildcards(settings, models_file.wildcard_folders)
    job = job_of(settings, session.measuring, embeddings=(*texts.names, *session.broken), networks=networks)
    refuse_broken(job, session.broken, texts.names)
    notes = [f"styles: {', '.join(filled.styles)}"] if filled.styles else []
    notes += notes_on(filled.preset, job, name) if filled.preset else []
    notes += [*job.notes, *left_out(job, texts), *idle_start(filled), *idle_upscaler(asked, settings)]
    return replace(job, notes=tuple(notes), seals=model.seals, source=session.source)


def refuse_paths(asked: RenderRequest) -> None:
    """Refuse files in requests from strangers, without revealing whether they exist.

    Raises:
        RequestError: An input picture, or a mask of a LoRA, is a path.
    """
    for name in ("init", "mask"):
        picture = getattr(asked, name)
        if picture is not None and picture.data is None:
            raise RequestError("pictures may not be named by path here", where=name, remedy="Send the picture itself.")
    if any(isinstance(region.mask, Path) for region in asked.regions):
        raise RequestError(
            "masks cannot be named by path here", where="regions", remedy="Send the mask itself, as a data URL."
        )
    for use in (*asked.loras, *(use for region in asked.regions for use in region.loras)):
        if isinstance(use.strength.mask, Path):
            raise RequestError(
                "masks cannot be named by path here",
                where=f"LoRA {use.name}",
                remedy="Give a rectangle: its left, top, right and bottom as fractions.",
            )


def _go_together(job: Job, group: Sequence[Job]) -> bool:
    """Return whether a job can join a batch: the same shape, and no mask beside a method that has no side path."""
    if batch_key(job.settings) != batch_key(group[0].settings):
        return False
    stacks = [stack for one in (job, *group) for stack in one.stacks]
    return not (any(stack.masked for stack in stacks) and any(stack.method.row.dense for stack in stacks))


def in_batches(jobs: Sequence[IndexedJob], size: int) -> Iterator[list[IndexedJob]]:
    """Yield runs of neighbours that can share a batch, at most `size` long."""
    group: list[IndexedJob] = []
    for index, job in jobs:
        hires = job.settings.hires
        most = 1 if is_alone(job.settings.sampler, hires.sampler if hires else None) else size
        if group and (len(group) >= most or not _go_together(job, [other for _, other in group])):
            yield group
            group = []
        group.append((index, job))
    if group:
        yield group
