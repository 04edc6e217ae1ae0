"""Schedules by the names people know: at which noise levels a sampler's steps stand.

Names follow AUTOMATIC1111's web UI and Forge. `lora_mixer.sampling.schedules` has a function for each; those that begin
with `diffusers` are laid out by diffusers' scheduler classes themselves, rounding and all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from lora_mixer.choices.names import key_of, unknown

AUTOMATIC = "Automatic"
TRAILING = "Trailing"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """One schedule.

    Attributes:
        name: Its name, A1111's where it has one.
        says: Where the steps stand.
        aliases: Other names people paste.
        spacing: The arguments that ask diffusers' classes for it, for those that are diffusers' own.
        meant: What a record calls it for other programs, if they have no such name.
    """

    name: str
    says: str
    aliases: tuple[str, ...] = ()
    spacing: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    meant: str | None = None


SCHEDULE_ROWS: tuple[ScheduleRow, ...] = (
    ScheduleRow(name="Uniform", says="even in time, from the last trained step to the first", aliases=("Normal",)),
    ScheduleRow(name="SGM Uniform", says="even in time, the first trained step left out", aliases=("SGMUniform",)),
    ScheduleRow(name="Simple", says="every so many trained steps, from the last"),
    ScheduleRow(name="DDIM", says="every so many trained steps, from the second", aliases=("ddim_uniform",)),
    ScheduleRow(name="Karras", says="even in the seventh root of the noise (Karras et al. 2022, eq. 5)"),
    ScheduleRow(name="Exponential", says="even in the logarithm of the noise"),
    ScheduleRow(name="Polyexponential", says="a power of that; A1111's power is 1, the same as Exponential"),
    ScheduleRow(name="Beta", says="quantiles of a Beta(0.6, 0.6) distribution (Lee et al. 2024)"),
    ScheduleRow(name="KL Optimal", says="even in the noise's arctangent (Sabour et al. 2024); ends at the least noise"),
    ScheduleRow(name="Align Your Steps", says="eleven levels optimised for SD 1.x or SDXL", aliases=("AYS",)),
    ScheduleRow(name="Align Your Steps 11", says="the same by Forge's name", aliases=("AYS 11",)),
    ScheduleRow(name="Align Your Steps 32", says="thirty-two levels of the same kind", aliases=("AYS 32",)),
    ScheduleRow(name="Align Your Steps GITS", says="eleven levels (Chen et al. 2024)", aliases=("AYS GITS", "GITS")),
    ScheduleRow(name="Turbo", says="as SDXL Turbo was distilled: even in time, the last trained step first"),
    ScheduleRow(name="Linear Quadratic", says="first even, then quadratic in the noise (Mochi)"),
    ScheduleRow(name="Time Uniform", says="even in time, ends at the least noise: A1111's UniPC", meant="Automatic"),
    ScheduleRow(name="LCM", says="of the 50 steps that consistency models are distilled on", meant="Automatic"),
    ScheduleRow(
        name=TRAILING,
        says="even in time, rounded, the last trained step first",
        aliases=("diffusers SGM Uniform",),
        spacing={"timestep_spacing": "trailing"},
        meant="Simple",
    ),
    ScheduleRow(
        name="diffusers Uniform",
        says="diffusers' linspace",
        aliases=("linspace",),
        spacing={"timestep_spacing": "linspace"},
        meant="Uniform",
    ),
    ScheduleRow(
        name="diffusers DDIM",
        says="diffusers' leading, one step off",
        aliases=("Leading",),
        spacing={"timestep_spacing": "leading", "steps_offset": 1},
        meant="DDIM",
    ),
    ScheduleRow(
        name="diffusers Karras", says="rounded to trained steps", spacing={"use_karras_sigmas": True}, meant="Karras"
    ),
    ScheduleRow(
        name="diffusers Exponential",
        says="rounded to trained steps",
        spacing={"use_exponential_sigmas": True},
        meant="Exponential",
    ),
    ScheduleRow(
        name="diffusers Beta", says="rounded to trained steps", spacing={"use_beta_sigmas": True}, meant="Beta"
    ),
)

SCHEDULES: Mapping[str, ScheduleRow] = MappingProxyType({row.name: row for row in SCHEDULE_ROWS})
"""Schedule by name."""

SAID_BEFORE: Mapping[str, str] = MappingProxyType(
    {"Normal": "diffusers Uniform", "Simple": TRAILING}
    | {name: f"diffusers {name}" for name in ("Uniform", "DDIM", "Karras", "Exponential", "Beta")}
    | {"SGM Uniform": TRAILING, "Leading": "diffusers DDIM"}
)
"""What the names meant in records of the first recipe -> what that is called now."""


def schedule_before(name: str) -> str:
    """Return what a schedule of a record of the first recipe is called now.

    >>> schedule_before("sgm_uniform"), schedule_before("Karras"), schedule_before("Trailing")
    ('Trailing', 'diffusers Karras', 'Trailing')
    """
    return {key_of(said): now for said, now in SAID_BEFORE.items()}.get(key_of(name), name)


def find_schedule(name: str) -> str:
    """Return the schedule of a name.

    >>> find_schedule("sgm_uniform"), find_schedule("normal")
    ('SGM Uniform', 'Uniform')

    Raises:
        RequestError: There is none of that name; the nearest is in the text.
    """
    by_key = {key_of(AUTOMATIC): AUTOMATIC}
    by_key |= {key_of(known): row.name for row in SCHEDULE_ROWS for known in (row.name, *row.aliases)}
    if key_of(name) in by_key:
        return by_key[key_of(name)]
    raise unknown("schedule", name, [AUTOMATIC, *SCHEDULES])
