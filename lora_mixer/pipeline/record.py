"""The record of a finished picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from lora_mixer.blend import ApplyPlan
from lora_mixer.files import digest_file
from lora_mixer.images import AdapterRecord, EmbeddingRecord, Inputs, ModelRecord, RenderRecord, UpscalerRecord
from lora_mixer.mixes import Strength
from lora_mixer.pipeline.job import AdapterUse, Job
from lora_mixer.pipeline.loaded_model import LoadedModel
from lora_mixer.sampling import find_sampler, schedule_in_use

LIBRARIES = ("lora-mixer", "torch", "diffusers", "transformers")


@dataclass(frozen=True, slots=True, kw_only=True)
class HowRendered:
    """What a batch's records say of how it was computed.

    Attributes:
        plan: The engine that was used, and why.
        seconds: Wall-clock time per picture.
        tiled: Whether it was decoded in tiles.
        upscale_tile: The side of the tiles a network enlarged it in, where that is not the usual one.
    """

    plan: ApplyPlan
    seconds: float
    tiled: bool = False
    upscale_tile: int | None = None


def record_of(loaded: LoadedModel, jobs: Sequence[Job], index: int, how: HowRendered) -> RenderRecord:
    """Return the record of one picture of a batch.

    Args:
        loaded: Where it was rendered.
        jobs: The whole batch.
        index: The picture's place in it.
        how: How it was computed.
    """
    job, made_from = jobs[index], inputs_of(loaded, jobs[index])
    sampler = find_sampler(job.settings.sampler, job.settings.schedule)
    return RenderRecord(
        settings=job.settings,
        model=made_from.model,
        adapters=made_from.adapters,
        embeddings=made_from.embeddings,
        upscalers=made_from.upscalers,
        matrices=made_from.matrices,
        schedule=schedule_in_use(sampler, loaded.model.scheduler_config),
        engine=how.plan.engine,
        engine_reason=how.plan.reason,
        batch_size=len(jobs),
        batch_index=index,
        device=made_from.device,
        dtype=made_from.dtype,
        threads=torch.get_num_threads(),
        versions=made_from.versions,
        seconds=how.seconds,
        tiled=how.tiled,
        upscale_tile=how.upscale_tile if job.upscalers else None,
        notes=job.notes,
        places=job.found,
        companions=tuple(other.settings for other in jobs) if len(jobs) > 1 else (),
    )


def inputs_of(loaded: LoadedModel, job: Job) -> Inputs:
    """Return what a job's picture is made from on a model, besides its settings."""
    model = loaded.model
    return Inputs(
        model=ModelRecord(
            name=model.name,
            sha256=model.digest,
            family=model.family.name,
            vae_sha256=model.vae_digest,
            settings_sha256=model.settings_digest,
        ),
        adapters=tuple(_adapter(use) for use in job.uses),
        embeddings=tuple(
            EmbeddingRecord(name=embedding.name, sha256=embedding.digest)
            for embedding in loaded.texts.embeddings_of(job.conditions)
        ),
        upscalers=tuple(
            UpscalerRecord(name=use.name, file=use.seal.path.name, sha256=use.sha256) for use in job.upscalers
        ),
        matrices=job.matrices,
        device=str(model.device),
        dtype=str(model.dtype).removeprefix("torch."),
        versions=_versions(),
    )


def joined(plans: Sequence[ApplyPlan]) -> ApplyPlan:
    """Return the plan of a render's passes as one: the first's engine, and why each was chosen."""
    first = plans[0]
    others = [plan for plan in plans[1:] if plan.engine != first.engine]
    if not others:
        return first
    return replace(first, reason="; ".join([first.reason, *(f"then {p.engine}: {p.reason}" for p in others)]))


def _adapter(use: AdapterUse) -> AdapterRecord:
    adapter = use.placed.adapter
    return AdapterRecord(
        name=use.name,
        file=use.file,
        sha256=use.sha256,
        autov3=use.autov3 or "",
        strength=use.placed.strength,
        kind="+".join(sorted({layer.kind.name for layer in adapter.layers.values()})),
        modules=len(adapter.layers),
        mask_sha256=_mask_digest(use.placed.strength),
        scale=adapter.report.scale_words(),
    )


def _mask_digest(strength: Strength) -> str | None:
    return digest_file(strength.mask).sha256 if isinstance(strength.mask, Path) else None


@cache
def _versions() -> dict[str, str]:
    return {name: _version(name) for name in LIBRARIES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "from source"
