"""What other programs call samplers and schedules, as tables onto A1111's names.

Whether there is a row here is asked of `lora_mixer.choices` at the time of reading. A name that is in no table is never
taken for another.

Sources: ComfyUI's `comfy/samplers.py`; InvokeAI's `schedulers.py`; NovelAI's image API; SD.Next's
`sd_samplers_diffusers.py`; Draw Things' `Defaults.swift`; class names of diffusers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lora_mixer.choices import AUTOMATIC, find_sampler, find_schedule
from lora_mixer.errors import RequestError

MAX_NAME = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramNames:
    """The vocabulary of one program.

    Attributes:
        samplers: Its sampler names -> A1111's, with the schedule behind it where the name says one; empty: there is
            no such sampler among A1111's.
        schedules: Its schedule names -> A1111's.
        plain: A name that is not in the table may be A1111's own.
    """

    samplers: Mapping[str, str]
    schedules: Mapping[str, str]
    plain: bool = False

    def sampler(self, name: object) -> tuple[str, str | None] | None:
        """Return our name of a sampler, and the schedule that its name says; None if there is no such row here."""
        if not isinstance(name, str) or len(name) > MAX_NAME:
            return None
        key = name.strip().lower().removeprefix("sample_")
        theirs, ending = self.samplers.get(key), None
        if theirs is None:
            for schedule, ours in self.schedules.items():
                if key.endswith((f"_{schedule}", f" {schedule}")) and key[: -len(schedule) - 1] in self.samplers:
                    theirs, ending = self.samplers[key[: -len(schedule) - 1]], ours
        if theirs is None and self.plain:
            theirs = name.strip()
        return _row(theirs, ending) if theirs else None

    def schedule(self, name: object) -> str | None:
        """Return our name of a schedule; None if there is none here."""
        if not isinstance(name, str) or len(name) > MAX_NAME:
            return None
        ours = self.schedules.get(name.strip().lower()) or (name.strip() if self.plain else None)
        return _spelled(ours) if ours else None


def _row(name: str, ending: str | None) -> tuple[str, str | None] | None:
    try:
        found = find_sampler(name)
    except RequestError:
        return None
    said = ending or (None if found.schedule == AUTOMATIC else found.schedule)
    return found.name, None if said is None else _spelled(said)


def _spelled(name: str) -> str | None:
    """Return a schedule's name if there is such a one here."""
    try:
        find_schedule(name)
    except RequestError:
        return None
    return name


COMFY_SAMPLERS: Mapping[str, str] = MappingProxyType(
    {
        "euler": "Euler",
        "euler_cfg_pp": "Euler CFG++",
        "euler_ancestral": "Euler a",
        "euler_ancestral_cfg_pp": "Euler a CFG++",
        "heun": "Heun",
        "heunpp2": "HeunPP2",
        "exp_heun_2_x0": "",
        "exp_heun_2_x0_sde": "",
        "dpm_2": "DPM2",
        "dpm_2_ancestral": "DPM2 a",
        "lms": "LMS",
        "dpm_fast": "DPM fast",
        "dpm_adaptive": "DPM adaptive",
        "dpmpp_2s_ancestral": "DPM++ 2S a",
        "dpmpp_2s_ancestral_cfg_pp": "DPM++ 2S a CFG++",
        "dpmpp_sde": "DPM++ SDE",
        "dpmpp_sde_gpu": "DPM++ SDE",
        "dpmpp_2m": "DPM++ 2M",
        "dpmpp_2m_cfg_pp": "DPM++ 2M CFG++",
        "dpmpp_2m_sde": "DPM++ 2M SDE",
        "dpmpp_2m_sde_gpu": "DPM++ 2M SDE",
        "dpmpp_2m_sde_heun": "DPM++ 2M SDE Heun",
        "dpmpp_2m_sde_heun_gpu": "DPM++ 2M SDE Heun",
        "dpmpp_3m_sde": "DPM++ 3M SDE",
        "dpmpp_3m_sde_gpu": "DPM++ 3M SDE",
        "ddpm": "DDPM",
        "lcm": "LCM",
        "ipndm": "IPNDM",
        "ipndm_v": "",
        "deis": "DEIS",
        "res_multistep": "Res Multistep",
        "res_multistep_cfg_pp": "",
        "res_multistep_ancestral": "",
        "res_multistep_ancestral_cfg_pp": "",
        "gradient_estimation": "Gradient Estimation",
        "gradient_estimation_cfg_pp": "",
        "er_sde": "ER SDE",
        "seeds_2": "",
        "seeds_3": "",
        "sa_solver": "SA-Solver",
        "sa_solver_pece": "",
        "ddim": "DDIM",
        "uni_pc": "UniPC",
        "uni_pc_bh2": "UniPC",
        "tcd": "TCD",
        "restart": "Restart",
    }
)
"""The 44 of ComfyUI, and the two that Fooocus adds."""

COMFY_SCHEDULES: Mapping[str, str] = MappingProxyType(
    {
        "normal": "Normal",
        "karras": "Karras",
        "exponential": "Exponential",
        "polyexponential": "Polyexponential",
        "sgm_uniform": "SGM Uniform",
        "simple": "Simple",
        "ddim_uniform": "DDIM",
        "beta": "Beta",
        "linear_quadratic": "Linear Quadratic",
        "kl_optimal": "KL Optimal",
        "turbo": "Turbo",
        "align_your_steps": "Align Your Steps",
        "ays sdxl": "Align Your Steps",
        "ays sd1": "Align Your Steps",
        "ays": "Align Your Steps",
        "ays+": "",
        "gits": "",
        "lcm": "",
        "tcd": "",
        "edm_playground_v2.5": "",
    }
)

SAMPLER_NOTES: Mapping[str, str] = MappingProxyType(
    {"uni_pc_bh2": "it was UniPC's variant bh2"}
    | dict.fromkeys(
        (name for name in COMFY_SAMPLERS if name.endswith("_gpu")), "the sampler's own noise was drawn on the GPU"
    )
)
"""What a sampler's name says beyond what ours does."""

COMFY = ProgramNames(samplers=COMFY_SAMPLERS, schedules=COMFY_SCHEDULES)

_INVOKE = {
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "deis": "DEIS",
    "lms": "LMS",
    "pndm": "PLMS",
    "heun": "Heun",
    "euler": "Euler",
    "euler_a": "Euler a",
    "kdpm_2": "DPM2",
    "kdpm_2_a": "DPM2 a",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_sde": "DPM++ SDE",
    "er_sde": "ER SDE",
    "unipc": "UniPC",
    "lcm": "LCM",
    "tcd": "TCD",
}
_INVOKE_2 = {
    "plms": "PLMS",
    "k_lms": "LMS",
    "k_heun": "Heun",
    "k_euler": "Euler",
    "k_euler_a": "Euler a",
    "k_dpm_2": "DPM2",
    "k_dpm_2_a": "DPM2 a",
    "k_dpmpp_2": "DPM++ 2M",
    "k_dpmpp_2_a": "DPM++ 2S a",
}
INVOKE = ProgramNames(
    samplers=MappingProxyType(_INVOKE | _INVOKE_2 | {f"{name}_k": f"{ours} Karras" for name, ours in _INVOKE.items()}),
    schedules=MappingProxyType({}),
)
"""InvokeAI's, of version 3 on and, with `k_`, of version 2; a name's `_k` at the end is Karras."""

NOVELAI = ProgramNames(
    samplers=MappingProxyType(
        {
            "k_euler": "Euler",
            "k_euler_ancestral": "Euler a",
            "k_dpmpp_2s_ancestral": "DPM++ 2S a",
            "k_dpmpp_2m": "DPM++ 2M",
            "k_dpmpp_2m_sde": "DPM++ 2M SDE",
            "k_dpmpp_sde": "DPM++ SDE",
            "k_dpm_2": "DPM2",
            "k_dpm_2_ancestral": "DPM2 a",
            "k_dpm_fast": "DPM fast",
            "k_dpm_adaptive": "DPM adaptive",
            "k_heun": "Heun",
            "k_lms": "LMS",
            "ddim": "DDIM",
            "ddim_v3": "DDIM",
            "plms": "PLMS",
        }
    ),
    schedules=MappingProxyType(
        {
            "native": "Uniform",
            "karras": "Karras",
            "exponential": "Exponential",
            "polyexponential": "Polyexponential",
        }
    ),
)

_CLASSES = {
    "eulerdiscretescheduler": "Euler",
    "eulerancestraldiscretescheduler": "Euler a",
    "heundiscretescheduler": "Heun",
    "lmsdiscretescheduler": "LMS",
    "kdpm2discretescheduler": "DPM2",
    "kdpm2ancestraldiscretescheduler": "DPM2 a",
    "ddimscheduler": "DDIM",
    "ddpmscheduler": "DDPM",
    "pndmscheduler": "PLMS",
    "unipcmultistepscheduler": "UniPC",
    "sasolverscheduler": "SA-Solver",
    "lcmscheduler": "LCM",
    "tcdscheduler": "TCD",
    "deismultistepscheduler": "DEIS",
    "dpmsolversdescheduler": "DPM++ SDE",
}
DIFFUSERS = ProgramNames(samplers=MappingProxyType(_CLASSES), schedules=MappingProxyType({}), plain=True)
"""Class names, and A1111's, which demos over diffusers use. `DPMSolverMultistepScheduler` is several samplers."""

SDNEXT = ProgramNames(
    samplers=MappingProxyType(
        _CLASSES
        | {
            "kdpm2": "DPM2",
            "kdpm2 a": "DPM2 a",
            "lmsd": "LMS",
            "pndm": "PLMS",
            "dpm sde": "DPM++ SDE",
            "sa solver": "SA-Solver",
            "er-sde": "ER SDE",
        }
    ),
    schedules=MappingProxyType({"karras": "Karras", "exponential": "Exponential", "beta": "Beta", "betas": "Beta"}),
    plain=True,
)

DRAW_THINGS = ProgramNames(
    samplers=MappingProxyType(
        {
            "plms": "PLMS",
            "ddim": "DDIM",
            "ddim trailing": "",
            "euler ancestral": "Euler a",
            "euler a trailing": "Euler a Trailing",
            "euler a ays": "Euler a Align Your Steps",
            "dpm++ 2m karras": "DPM++ 2M Karras",
            "dpm++ 2m trailing": "DPM++ 2M Trailing",
            "dpm++ 2m ays": "DPM++ 2M Align Your Steps",
            "dpm++ sde karras": "DPM++ SDE Karras",
            "dpm++ sde trailing": "DPM++ SDE Trailing",
            "dpm++ sde ays": "DPM++ SDE Align Your Steps",
            "unipc": "UniPC",
            "unipc trailing": "UniPC Trailing",
            "unipc ays": "UniPC Align Your Steps",
            "lcm": "LCM",
            "tcd": "TCD",
        }
    ),
    schedules=MappingProxyType({}),
)

EASY_DIFFUSION = ProgramNames(
    samplers=MappingProxyType(
        {
            "plms": "PLMS",
            "ddim": "DDIM",
            "ddpm": "DDPM",
            "deis": "DEIS",
            "heun": "Heun",
            "euler": "Euler",
            "euler_a": "Euler a",
            "dpm2": "DPM2",
            "dpm2_a": "DPM2 a",
            "lms": "LMS",
            "dpmpp_2m": "DPM++ 2M",
            "dpmpp_2m_sde": "DPM++ 2M SDE",
            "dpmpp_2s_a": "DPM++ 2S a",
            "dpmpp_3m_sde": "DPM++ 3M SDE",
            "dpmpp_sde": "DPM++ SDE",
            "lcm": "LCM",
        }
    ),
    schedules=COMFY_SCHEDULES,
)

A1111 = ProgramNames(samplers=COMFY_SAMPLERS, schedules=COMFY_SCHEDULES, plain=True)
"""A1111's own names, and ComfyUI's, which nodes that write A1111's form leave in it."""
