"""What a plan comes to, told without rendering anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lora_mixer import LoraMixerError, Mixer
from lora_mixer.promptfile import PromptFile


@dataclass(slots=True, kw_only=True)
class Check:
    """What a plan comes to.

    Attributes:
        failed: Why some of its jobs cannot be rendered, by place.
        notes: What is said of the others, by place.
        mixes: Their LoRAs with strengths, those of tags in the prompt too, by place.
        work: Steps times pixels of those.
    """

    failed: dict[int, str] = field(default_factory=dict)
    notes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    mixes: dict[int, str] = field(default_factory=dict)
    work: int = 0


def check_jobs(mixer: Mixer, plan: PromptFile, *, say: Callable[[LoraMixerError], str] = str) -> Check:
    """Return what a plan comes to; `say` words what is wrong with a job."""
    check = Check()
    for place, asked in enumerate(plan.jobs):
        try:
            job = mixer.resolve(asked.request)
        except LoraMixerError as error:
            check.failed[place] = say(error)
        else:
            check.notes[place] = job.notes
            check.mixes[place] = ", ".join(f"{use.name} {use.placed.strength.denoiser:g}" for use in job.uses)
            check.work += job.settings.steps * job.settings.width * job.settings.height
    return check
