"""What can be asked for: samplers and schedules by the names people know, as tables onto diffusers' schedulers.

Names follow AUTOMATIC1111's web UI. A row says which schedules its class takes; another one is refused, because
diffusers would ignore it and draw a different picture. `lora_mixer.sampling` builds what a row names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from lora_mixer.choices.names import key_of, unknown
from lora_mixer.errors import RequestError

AUTOMATIC = "Automatic"
UNIFORM = "Uniform"
TRAILING = "SGM Uniform"
LEADING = "DDIM"
KARRAS = "Karras"
EXPONENTIAL = "Exponential"
BETA = "Beta"

SCHEDULES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        UNIFORM: {"timestep_spacing": "linspace"},
        TRAILING: {"timestep_spacing": "trailing"},
        LEADING: {"timestep_spacing": "leading", "steps_offset": 1},
        KARRAS: {"use_karras_sigmas": True},
        EXPONENTIAL: {"use_exponential_sigmas": True},
        BETA: {"use_beta_sigmas": True},
    }
)
"""Schedule -> the arguments that ask a scheduler for it."""

SCHEDULE_ALIASES = {"Normal": UNIFORM, "Simple": TRAILING, "Trailing": TRAILING, "Leading": LEADING}

_SPACED = (UNIFORM, TRAILING, LEADING)
_CURVED = (KARRAS, EXPONENTIAL, BETA)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerRow:
    """One sampler.

    Attributes:
        name: A1111's name.
        scheduler: The class in diffusers, or in `lora_mixer.sampling.ancestral`.
        options: Arguments of the class that make it this sampler.
        schedules: The schedules it takes; the first is its own, the one `Automatic` means.
        aliases: Other names people paste.
        noisy: It draws noise at every step.
        eta: How much noise it adds, as a share of what its method says, if nothing else is asked; None: no such choice.
        epsilon_only: It adds up predictions of several steps, which is wrong for the velocity of v-prediction.
    """

    name: str
    scheduler: str
    schedules: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    aliases: tuple[str, ...] = ()
    noisy: bool = False
    eta: float | None = None
    epsilon_only: bool = False


def _own(first: str, taken: Iterable[str]) -> tuple[str, ...]:
    return (first, *(schedule for schedule in taken if schedule != first))


SAMPLERS: tuple[SamplerRow, ...] = (
    SamplerRow(
        name="DPM++ 2M",
        scheduler="DPMSolverMultistepScheduler",
        options={"algorithm_type": "dpmsolver++", "solver_order": 2},
        schedules=_own(KARRAS, _SPACED + _CURVED),
        aliases=("dpmpp_2m", "k_dpmpp_2m"),
    ),
    SamplerRow(
        name="DPM++ 2M SDE",
        scheduler="DPMSolverMultistepScheduler",
        options={"algorithm_type": "sde-dpmsolver++", "solver_order": 2},
        schedules=_own(EXPONENTIAL, _SPACED + _CURVED),
        aliases=("dpmpp_2m_sde", "k_dpmpp_2m_sde"),
        noisy=True,
    ),
    SamplerRow(
        name="DPM++ 2M SDE Heun",
        scheduler="DPMSolverMultistepScheduler",
        options={"algorithm_type": "sde-dpmsolver++", "solver_order": 2, "solver_type": "heun"},
        schedules=_own(EXPONENTIAL, _SPACED + _CURVED),
        aliases=("dpmpp_2m_sde_heun", "k_dpmpp_2m_sde_heun"),
        noisy=True,
    ),
    SamplerRow(
        name="DPM++ 3M SDE",
        scheduler="DPMSolverMultistepScheduler",
        options={"algorithm_type": "sde-dpmsolver++", "solver_order": 3},
        schedules=_own(EXPONENTIAL, _SPACED + _CURVED),
        aliases=("dpmpp_3m_sde", "k_dpmpp_3m_sde"),
        noisy=True,
    ),
    SamplerRow(
        name="DPM++ SDE",
        scheduler="DPMPPSDE",
        schedules=_own(KARRAS, _SPACED + _CURVED),
        aliases=("dpmpp_sde", "k_dpmpp_sde"),
        noisy=True,
        eta=1.0,
    ),
    SamplerRow(
        name="DPM++ 2S a",
        scheduler="DPMPP2SAncestral",
        schedules=_own(KARRAS, _SPACED + _CURVED),
        aliases=("dpmpp_2s_a", "k_dpmpp_2s_a", "dpmpp_2s_ancestral", "k_dpmpp_2s_ancestral"),
        noisy=True,
        eta=1.0,
    ),
    SamplerRow(
        name="Euler",
        scheduler="EulerDiscreteScheduler",
        schedules=_SPACED + _CURVED,
        aliases=("k_euler",),
    ),
    SamplerRow(
        name="Euler a",
        scheduler="EulerAncestral",
        schedules=_SPACED + _CURVED,
        aliases=("euler_a", "k_euler_a", "euler_ancestral", "k_euler_ancestral", "Euler Ancestral"),
        noisy=True,
        eta=1.0,
    ),
    SamplerRow(
        name="Heun",
        scheduler="HeunDiscreteScheduler",
        schedules=_SPACED + _CURVED,
        aliases=("k_heun",),
    ),
    SamplerRow(
        name="LMS",
        scheduler="LMSDiscreteScheduler",
        schedules=_SPACED + _CURVED,
        aliases=("k_lms",),
    ),
    SamplerRow(
        name="DPM2",
        scheduler="KDPM2DiscreteScheduler",
        schedules=_own(KARRAS, _SPACED + _CURVED),
        aliases=("dpm_2", "k_dpm_2"),
    ),
    SamplerRow(
        name="DPM2 a",
        scheduler="DPM2Ancestral",
        schedules=_own(KARRAS, _SPACED + _CURVED),
        aliases=("dpm_2_a", "k_dpm_2_a", "dpm_2_ancestral", "k_dpm_2_ancestral"),
        noisy=True,
        eta=1.0,
    ),
    SamplerRow(
        name="DDIM",
        scheduler="DDIMScheduler",
        options={"clip_sample": False, "set_alpha_to_one": False},
        schedules=_own(LEADING, _SPACED),
        eta=0.0,
    ),
    SamplerRow(
        name="DDPM",
        scheduler="DDPMScheduler",
        options={"clip_sample": False},
        schedules=_own(LEADING, _SPACED),
        noisy=True,
    ),
    SamplerRow(
        name="PLMS",
        scheduler="PNDMScheduler",
        options={"skip_prk_steps": True, "set_alpha_to_one": False},
        schedules=_own(LEADING, _SPACED),
        aliases=("PNDM",),
        epsilon_only=True,
    ),
    SamplerRow(
        name="UniPC",
        scheduler="UniPCMultistepScheduler",
        schedules=_SPACED + _CURVED,
        aliases=("uni_pc",),
    ),
    SamplerRow(
        name="SA-Solver",
        scheduler="SASolverScheduler",
        schedules=_SPACED + _CURVED,
        aliases=("sa_solver",),
        noisy=True,
    ),
    SamplerRow(
        name="LCM",
        scheduler="LCMScheduler",
        options={"clip_sample": False, "set_alpha_to_one": False},
        schedules=(LEADING,),
        aliases=("k_lcm",),
        noisy=True,
    ),
    SamplerRow(
        name="TCD",
        scheduler="TCDScheduler",
        options={"clip_sample": False, "set_alpha_to_one": False},
        schedules=(LEADING,),
        noisy=True,
        eta=0.3,
    ),
)

UNSUPPORTED: Mapping[str, str] = MappingProxyType(
    {
        "DPM fast": "DPM++ 2M",
        "DPM adaptive": "DPM++ 2M",
        "Restart": "DPM++ SDE",
        "DDIM CFG++": "DDIM",
        "DEIS": "UniPC",
        "HeunPP2": "Heun",
        "IPNDM": "PLMS",
        "DPM++ 2S a RF": "DPM++ 2S a",
        "Euler CFG++": "Euler",
        "Euler a CFG++": "Euler a",
    }
)
"""Samplers of other programs that diffusers has no counterpart of -> the nearest one here."""

UNSUPPORTED_SCHEDULES: Mapping[str, str] = MappingProxyType(
    {"Polyexponential": EXPONENTIAL, "KL Optimal": KARRAS, "Align Your Steps": KARRAS, "Turbo": TRAILING}
)
"""Schedules of other programs -> the nearest one here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """A sampler with its schedule (`Automatic`, or one its row takes) and its eta, where it takes one."""

    row: SamplerRow
    schedule: str
    eta: float | None = None

    @property
    def name(self) -> str:
        """The sampler's name."""
        return self.row.name


def find_sampler(name: str, schedule: str | None = None, eta: float | None = None) -> Sampler:
    """Return the sampler and schedule people mean by these names.

    Args:
        name: The sampler, by any of its names.
        schedule: The schedule; None is `Automatic`.
        eta: How much noise the sampler adds, as a share of what its method says; None leaves it to the sampler.

    The schedule may be the end of the sampler's name, as older programs wrote it:

    >>> found = find_sampler("DPM++ 2M Karras")
    >>> found.name, found.schedule
    ('DPM++ 2M', 'Karras')

    Raises:
        RequestError: There is no such sampler or schedule here, or the sampler takes no such schedule, or no eta.
    """
    row, ending = _split(name)
    if ending is not None and schedule is not None and key_of(schedule) not in {key_of(AUTOMATIC), key_of(ending)}:
        raise RequestError(f"the sampler {name!r} says {ending}, the schedule says {schedule}", remedy="Say one.")
    wanted = find_schedule(ending or schedule or AUTOMATIC)
    if wanted != AUTOMATIC and wanted not in row.schedules:
        raise RequestError(
            f"the sampler {row.name} does not take the schedule {wanted}",
            remedy=f"Use {AUTOMATIC} or one of {', '.join(row.schedules)}.",
        )
    if eta is not None and row.eta is None:
        able = ", ".join(other.name for other in SAMPLERS if other.eta is not None)
        raise RequestError(f"the sampler {row.name} takes no eta", remedy=f"Leave it out, or use one of {able}.")
    return Sampler(row=row, schedule=wanted, eta=row.eta if eta is None else eta)


def _split(name: str) -> tuple[SamplerRow, str | None]:
    """Return the row, and the schedule the name ends with."""
    key = key_of(name)
    by_key = _rows()
    if key in by_key:
        return by_key[key], None
    for schedule in (*SCHEDULES, *SCHEDULE_ALIASES):
        row = by_key.get(key.removesuffix(key_of(schedule)))
        if row is not None and key.endswith(key_of(schedule)):
            return row, schedule
    raise unknown("sampler", name, [row.name for row in SAMPLERS], UNSUPPORTED)


@cache
def _rows() -> Mapping[str, SamplerRow]:
    return {key_of(known): row for row in SAMPLERS for known in (row.name, *row.aliases)}


def find_schedule(name: str) -> str:
    """Return the schedule of a name.

    Raises:
        RequestError: There is none of that name; the nearest is in the text.
    """
    by_key = {key_of(known): known for known in (AUTOMATIC, *SCHEDULES)}
    by_key |= {key_of(alias): meant for alias, meant in SCHEDULE_ALIASES.items()}
    by_key[key_of("sgm_uniform")] = TRAILING
    if key_of(name) in by_key:
        return by_key[key_of(name)]
    raise unknown("schedule", name, [AUTOMATIC, *SCHEDULES], UNSUPPORTED_SCHEDULES)
