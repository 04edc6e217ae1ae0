"""What can be asked for: samplers by the names people know, as a table onto solvers.

Names follow AUTOMATIC1111's web UI, Forge and ComfyUI. A row says which schedules it takes; another one is refused.
`lora_mixer.sampling` builds what a row names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from lora_mixer.choices.names import key_of, unknown
from lora_mixer.choices.schedules import AUTOMATIC, SCHEDULE_ROWS, SCHEDULES, find_schedule
from lora_mixer.errors import RequestError

_SPECIAL = ("Time Uniform", "LCM")
_SPACED = ("Trailing", "diffusers Uniform", "diffusers DDIM")
EVERY = tuple(name for name in SCHEDULES if name not in _SPECIAL)
"""The schedules of samplers that take any."""

PLAIN = (*(name for name in EVERY if not SCHEDULES[name].spacing), "diffusers DDIM")
"""The schedules of consistency samplers, whose classes in diffusers have one layout of their own."""

WIDE = ("Exponential", "Uniform", "Karras", "Polyexponential", "Beta", "KL Optimal")
"""The schedules from the most to the least noise: all the same to samplers that choose what lies between."""

UNCURVED = tuple(name for name in EVERY if not name.startswith("diffusers") or name in _SPACED)
"""The same for samplers whose class in diffusers takes a spacing only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerRow:
    """One sampler.

    Attributes:
        name: Its name, A1111's where it has one.
        solver: The function of `lora_mixer.sampling`, or the class of diffusers, that takes its steps.
        given: Further arguments of the solver.
        scheduler: The class of diffusers that is taken where the schedule is diffusers' own; None: the solver.
        options: Arguments of the class that make it this sampler.
        schedules: The schedules it takes; the first is its own, the one `Automatic` means.
        aliases: Other names people paste.
        noisy: It draws noise at every step.
        eta: How much noise it adds, as a share of what its method says, if nothing else is asked; None: no such choice.
        unit: It starts from noise of unit variance, as A1111's does, where others start from the first level's.
        skips: The last level above none is left out of its schedule, as A1111 does.
        stops: With the schedule `DDIM` it ends at the least level of that, as A1111 does.
        alone: Its steps depend on what is drawn, so that every picture is drawn alone.
        apart: It wants what the negative prompt alone predicts, beside the guided picture (CFG++).
        epsilon_only: Its class adds up predictions of several steps, which is wrong for the velocity of v-prediction.
    """

    name: str
    solver: str
    schedules: tuple[str, ...]
    given: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    scheduler: str | None = None
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    aliases: tuple[str, ...] = ()
    noisy: bool = False
    eta: float | None = None
    unit: bool = False
    skips: bool = False
    stops: bool = False
    alone: bool = False
    apart: bool = False
    epsilon_only: bool = False


def _own(first: str, taken: Iterable[str] = EVERY) -> tuple[str, ...]:
    return (first, *(schedule for schedule in taken if schedule != first))


SAMPLERS: tuple[SamplerRow, ...] = (
    SamplerRow(
        name="DPM++ 2M",
        solver="DPMSolverMultistepScheduler",
        given={"lower_order_final": False, "final_sigmas_type": "sigma_min"},
        scheduler="DPMSolverMultistepScheduler",
        options={"algorithm_type": "dpmsolver++", "solver_order": 2},
        schedules=_own("Karras"),
        aliases=("dpmpp_2m", "k_dpmpp_2m"),
    ),
    SamplerRow(
        name="DPM++ 2M SDE",
        solver="DPMSolverMultistepScheduler",
        given={"lower_order_final": False, "final_sigmas_type": "sigma_min"},
        scheduler="DPMSolverMultistepScheduler",
        options={"algorithm_type": "sde-dpmsolver++", "solver_order": 2},
        schedules=_own("Exponential"),
        aliases=("dpmpp_2m_sde", "k_dpmpp_2m_sde"),
        noisy=True,
    ),
    SamplerRow(
        name="DPM++ 2M SDE Heun",
        solver="DPMSolverMultistepScheduler",
        given={"lower_order_final": False, "final_sigmas_type": "sigma_min"},
        scheduler="DPMSolverMultistepScheduler",
        options={"algorithm_type": "sde-dpmsolver++", "solver_order": 2, "solver_type": "heun"},
        schedules=_own("Exponential"),
        aliases=("dpmpp_2m_sde_heun", "k_dpmpp_2m_sde_heun"),
        noisy=True,
    ),
    SamplerRow(
        name="DPM++ 3M SDE",
        solver="dpmpp_3m_sde",
        schedules=_own("Exponential"),
        aliases=("dpmpp_3m_sde", "k_dpmpp_3m_sde"),
        noisy=True,
        eta=1.0,
        skips=True,
    ),
    SamplerRow(
        name="DPM++ SDE",
        solver="dpmpp_sde",
        schedules=_own("Karras"),
        aliases=("dpmpp_sde", "k_dpmpp_sde"),
        noisy=True,
        eta=1.0,
    ),
    SamplerRow(
        name="DPM++ 2S a",
        solver="dpmpp_2s_ancestral",
        schedules=_own("Karras"),
        aliases=("dpmpp_2s_a", "k_dpmpp_2s_a", "dpmpp_2s_ancestral", "k_dpmpp_2s_ancestral"),
        noisy=True,
        eta=1.0,
    ),
    SamplerRow(
        name="Euler",
        solver="EulerDiscreteScheduler",
        scheduler="EulerDiscreteScheduler",
        schedules=EVERY,
        aliases=("k_euler",),
    ),
    SamplerRow(
        name="Euler a",
        solver="euler_ancestral",
        schedules=EVERY,
        aliases=("euler_a", "k_euler_a", "euler_ancestral", "k_euler_ancestral", "Euler Ancestral"),
        noisy=True,
        eta=1.0,
    ),
    SamplerRow(
        name="Heun",
        solver="HeunDiscreteScheduler",
        scheduler="HeunDiscreteScheduler",
        schedules=EVERY,
        aliases=("k_heun",),
    ),
    SamplerRow(
        name="LMS",
        solver="LMSDiscreteScheduler",
        scheduler="LMSDiscreteScheduler",
        schedules=EVERY,
        aliases=("k_lms",),
    ),
    SamplerRow(
        name="DPM2",
        solver="dpm_2",
        given={"eta": 0.0},
        scheduler="KDPM2DiscreteScheduler",
        schedules=_own("Karras"),
        aliases=("dpm_2", "k_dpm_2"),
        skips=True,
    ),
    SamplerRow(
        name="DPM2 a",
        solver="dpm_2",
        schedules=_own("Karras"),
        aliases=("dpm_2_a", "k_dpm_2_a", "dpm_2_ancestral", "k_dpm_2_ancestral"),
        noisy=True,
        eta=1.0,
        skips=True,
    ),
    SamplerRow(
        name="DPM fast",
        solver="dpm_fast",
        schedules=WIDE,
        aliases=("dpm_fast", "k_dpm_fast"),
        noisy=True,
        eta=1.0,
    ),
    SamplerRow(
        name="DPM adaptive",
        solver="dpm_adaptive",
        schedules=WIDE,
        aliases=("dpm_adaptive", "k_dpm_ad"),
        noisy=True,
        eta=1.0,
        alone=True,
    ),
    SamplerRow(
        name="Restart",
        solver="restart",
        schedules=_own("Karras"),
        aliases=("restart",),
        noisy=True,
    ),
    SamplerRow(
        name="DDIM",
        solver="euler_ancestral",
        scheduler="DDIMScheduler",
        options={"clip_sample": False, "set_alpha_to_one": False},
        schedules=_own("DDIM", UNCURVED),
        eta=0.0,
        unit=True,
        stops=True,
    ),
    SamplerRow(
        name="DDPM",
        solver="euler_ancestral",
        given={"eta": 1.0},
        scheduler="DDPMScheduler",
        options={"clip_sample": False},
        schedules=_own("DDIM", UNCURVED),
        noisy=True,
        unit=True,
    ),
    SamplerRow(
        name="PLMS",
        solver="plms",
        scheduler="PNDMScheduler",
        options={"skip_prk_steps": True, "set_alpha_to_one": False},
        schedules=_own("DDIM", UNCURVED),
        aliases=("PNDM",),
        unit=True,
        stops=True,
        epsilon_only=True,
    ),
    SamplerRow(
        name="UniPC",
        solver="UniPCMultistepScheduler",
        given={"solver_order": 3, "solver_type": "bh1", "final_sigmas_type": "sigma_min"},
        scheduler="UniPCMultistepScheduler",
        schedules=_own("Time Uniform"),
        aliases=("uni_pc",),
        unit=True,
    ),
    SamplerRow(
        name="DEIS",
        solver="DEISMultistepScheduler",
        options={"solver_order": 3, "lower_order_final": False},
        schedules=_own("Uniform"),
    ),
    SamplerRow(
        name="IPNDM",
        solver="ipndm",
        schedules=EVERY,
    ),
    SamplerRow(
        name="Res Multistep",
        solver="res_multistep",
        schedules=EVERY,
        aliases=("res_multistep",),
        eta=0.0,
    ),
    SamplerRow(
        name="Gradient Estimation",
        solver="gradient_estimation",
        schedules=EVERY,
        aliases=("gradient_estimation",),
    ),
    SamplerRow(
        name="ER SDE",
        solver="er_sde",
        schedules=EVERY,
        aliases=("er_sde",),
        noisy=True,
    ),
    SamplerRow(
        name="Euler CFG++",
        solver="euler_cfg_pp",
        given={"eta": 0.0},
        schedules=EVERY,
        aliases=("euler_cfg_pp",),
        apart=True,
    ),
    SamplerRow(
        name="Euler a CFG++",
        solver="euler_cfg_pp",
        schedules=EVERY,
        aliases=("euler_ancestral_cfg_pp",),
        noisy=True,
        eta=1.0,
        apart=True,
    ),
    SamplerRow(
        name="DPM++ 2M CFG++",
        solver="dpmpp_2m_cfg_pp",
        schedules=_own("Karras"),
        aliases=("dpmpp_2m_cfg_pp",),
        apart=True,
    ),
    SamplerRow(
        name="SA-Solver",
        solver="SASolverScheduler",
        scheduler="SASolverScheduler",
        schedules=_own("SGM Uniform"),
        aliases=("sa_solver",),
        noisy=True,
    ),
    SamplerRow(
        name="LCM",
        solver="lcm",
        scheduler="LCMScheduler",
        options={"clip_sample": False, "set_alpha_to_one": False},
        schedules=_own("LCM", PLAIN),
        aliases=("k_lcm",),
        noisy=True,
    ),
    SamplerRow(
        name="TCD",
        solver="tcd",
        scheduler="TCDScheduler",
        options={"clip_sample": False, "set_alpha_to_one": False},
        schedules=_own("LCM", PLAIN),
        noisy=True,
        eta=0.3,
        unit=True,
    ),
)

UNSUPPORTED: Mapping[str, str] = MappingProxyType(
    {"DDIM CFG++": "Euler CFG++", "HeunPP2": "Heun", "DPM++ 2S a RF": "DPM++ 2S a"}
)
"""Samplers of other programs that are not here -> the nearest one that is."""


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


def is_alone(*names: str | None) -> bool:
    """Tell whether a sampler of these draws every picture alone; names there are none of do not count."""
    return any(row is not None and row.alone for row in (_rows().get(key_of(name)) for name in names if name))


def _split(name: str) -> tuple[SamplerRow, str | None]:
    """Return the row, and the schedule the name ends with."""
    key = key_of(name)
    by_key = _rows()
    if key in by_key:
        return by_key[key], None
    for schedule in (name for row in SCHEDULE_ROWS for name in (row.name, *row.aliases)):
        row = by_key.get(key.removesuffix(key_of(schedule)))
        if row is not None and key.endswith(key_of(schedule)):
            return row, find_schedule(schedule)
    raise unknown("sampler", name, [row.name for row in SAMPLERS], UNSUPPORTED)


@cache
def _rows() -> Mapping[str, SamplerRow]:
    return {key_of(known): row for row in SAMPLERS for known in (row.name, *row.aliases)}
