"""Places that are found: a job that seeks some is probed, and resolved again with what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from lora_mixer.mixer.networks import Networks
from lora_mixer.mixer.resolve import job_of
from lora_mixer.mixer.session import ModelSession
from lora_mixer.pipeline import Job, probe, steps_of
from lora_mixer.places import DrawnMask
from lora_mixer.render_options import RenderOptions
from lora_mixer.wording import counted


def probed(
    session: ModelSession, job: Job, options: RenderOptions | None = None, check: Callable[[], None] = lambda: None
) -> Job:
    """Return a job with every place that it seeks found; one that seeks none as it is.

    Args:
        session: The open model.
        job: The job.
        options: How it is computed.
        check: Called before every step of the probe; raises to cancel.
    """
    if not job.seeks or job.found:
        return job
    bare = job_of(job.settings, session.measuring, networks=_networks(session, job), bare=True)
    bare = replace(bare, seeks=job.seeks, seals=job.seals)
    found = dict(zip(job.seeks, probe(session.loaded, bare, options, check), strict=True))
    steps = counted(min(steps_of(bare.passes[0].settings.steps), bare.passes[0].settings.steps), "step")
    return with_places(session, job, found, f"places were found by a probe of {steps} without LoRAs")


def with_places(session: ModelSession, job: Job, found: Mapping[str, DrawnMask], note: str = "") -> Job:
    """Return a job with places that were found, by the words they were found by."""
    again = job_of(job.settings, session.measuring, networks=_networks(session, job), found=found)
    notes = (*job.notes, note) if note else job.notes
    return replace(job, passes=again.passes, found=found, notes=notes)


def _networks(session: ModelSession, job: Job) -> Networks:
    return session.upscalers.settled(job.settings)[1]
