"""Solvers by the names that rows of the sampler table have: functions of our own, and diffusers' classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from lora_mixer.choices import Sampler
from lora_mixer.sampling.ancestral import dpm_2, dpmpp_2s_ancestral, dpmpp_sde, euler_ancestral
from lora_mixer.sampling.by_class import by_class
from lora_mixer.sampling.cfg_pp import dpmpp_2m_cfg_pp, euler_cfg_pp
from lora_mixer.sampling.consistency import lcm, tcd
from lora_mixer.sampling.dpm_solver import dpm_adaptive, dpm_fast
from lora_mixer.sampling.levels import Levels
from lora_mixer.sampling.multistep import dpmpp_3m_sde, er_sde, gradient_estimation, ipndm, plms, res_multistep
from lora_mixer.sampling.restart import restart
from lora_mixer.sampling.solver import Solver

FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            *(euler_ancestral, dpm_2, dpmpp_2s_ancestral, dpmpp_sde, dpmpp_3m_sde, res_multistep, ipndm, plms),
            *(euler_cfg_pp, dpmpp_2m_cfg_pp),
            *(gradient_estimation, er_sde, dpm_fast, dpm_adaptive, restart, lcm, tcd),
        )
    }
)
"""Solvers of our own."""


def solver_of(sampler: Sampler, levels: Levels) -> Solver:
    """Return the solver of a sampler on a model."""
    row = sampler.row
    if row.solver not in FUNCTIONS:
        return by_class(row.solver, {**row.options, **row.given}, levels)
    given = dict(row.given)
    if sampler.eta is not None:
        given["eta"] = sampler.eta
    if row.solver == "tcd":
        given["levels"] = levels
    solver: Solver = partial(FUNCTIONS[row.solver], **given)
    return solver
