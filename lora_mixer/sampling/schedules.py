"""Schedules: how many steps, and a model's noise levels, to the levels that the steps stand at. One function a row.

They are those of AUTOMATIC1111's web UI and Forge, which take k-diffusion's where it has one. All but `KL Optimal` and
`Time Uniform`, which end at the least noise, end at none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import numpy as np
from scipy import stats

from lora_mixer.sampling.levels import Levels

Sigmas = tuple[float, ...]
"""Falling noise levels: where the first step begins, where it ends and the next begins, and so on."""

Schedule = Callable[[int, Levels], Sigmas]

END: Sigmas = (0.0,)
SHAPE = 0.6  # both parameters of the Beta distribution
RHO = 7.0
DISTILLED = 50  # steps a consistency model is distilled on


def uniform(steps: int, levels: Levels) -> Sigmas:
    """Even in time, both ends taken (k-diffusion's `get_sigmas`)."""
    return tuple(levels.at(place) for place in np.linspace(_last(levels), 0, steps)) + END


def sgm_uniform(steps: int, levels: Levels) -> Sigmas:
    """Even in time, the lower end left out (Stability's generative-models)."""
    return tuple(levels.at(place) for place in np.linspace(_last(levels), 0, steps + 1)[:-1]) + END


def time_uniform(steps: int, levels: Levels) -> Sigmas:
    """Even in time, and the lower end is where it ends (`time_uniform` of UniPC's authors)."""
    return tuple(levels.at(place) for place in np.linspace(_last(levels), 0, steps + 1))


def simple(steps: int, levels: Levels) -> Sigmas:
    """Every so many levels of the table, from the last (ComfyUI's `simple`)."""
    stride = len(levels.table) / steps
    return tuple(float(levels.table[-1 - int(step * stride)]) for step in range(steps)) + END


def ddim(steps: int, levels: Levels) -> Sigmas:
    """Every so many levels, counted from the second (CompVis' DDIM); where it does not divide, one or more steps over."""
    if steps == 1:
        return (float(levels.table[-1]), 0.0)
    return tuple(levels.table[1 :: max(len(levels.table) // steps, 1)][::-1].tolist()) + END


def karras(steps: int, levels: Levels) -> Sigmas:
    """Karras et al. 2022, arXiv:2206.00364, eq. 5, with rho = 7."""
    least, most = (levels.table[end] ** (1 / RHO) for end in (0, -1))
    return tuple(((most + np.linspace(0, 1, steps) * (least - most)) ** RHO).tolist()) + END


def exponential(steps: int, levels: Levels, power: float = 1.0) -> Sigmas:
    """Even in log sigma; the ramp may be raised to a power (k-diffusion's polyexponential)."""
    least, most = (math.log(levels.table[end]) for end in (0, -1))
    return tuple(np.exp(np.linspace(1, 0, steps) ** power * (most - least) + least).tolist()) + END


def beta(steps: int, levels: Levels) -> Sigmas:
    """Quantiles of a Beta(0.6, 0.6) distribution (Lee et al. 2024, arXiv:2407.12173), laid over sigma as A1111 does."""
    least, most = float(levels.table[0]), float(levels.table[-1])
    shares = stats.beta.ppf(1 - np.linspace(0, 1, steps), SHAPE, SHAPE)
    return tuple((least + shares * (most - least)).tolist()) + END


def kl_optimal(steps: int, levels: Levels) -> Sigmas:
    """Even in arctan sigma (Sabour et al. 2024, arXiv:2404.14507, theorem 3.1, sigma_data = 1); ends at the least noise."""
    least, most = (math.atan(levels.table[end]) for end in (0, -1))
    return tuple(math.tan(step / steps * least + (1 - step / steps) * most) for step in range(steps + 1))


def optimised(steps: int, levels: Levels, **tables: Sequence[float]) -> Sigmas:
    """Levels somebody optimised for a model, log-linear between them for another number of steps.

    Args:
        steps: How many steps.
        levels: The model's levels, which name the table that suits it.
        tables: The optimised levels by the name of their table; what has none of its own takes SD 1.x's.
    """
    known = tables.get(levels.tuned, tables["sd1"])
    if steps == len(known):
        return (*known, 0.0)
    places = np.linspace(0, len(known) - 1, steps)
    return tuple(np.exp(np.interp(places, np.arange(len(known)), np.log(known))).tolist()) + END


def turbo(steps: int, levels: Levels) -> Sigmas:
    """Even in time and rounded, the last step first (SDXL Turbo, Sauer et al. 2023, arXiv:2311.17042)."""
    count = len(levels.table)
    places = np.clip(np.round(np.arange(steps, 0, -1) * (count / steps) - 1), 0, count - 1).astype(int)
    return tuple(levels.table[places].tolist()) + END


def linear_quadratic(steps: int, levels: Levels, threshold: float = 0.025) -> Sigmas:
    """Half of the steps even down to 1 - threshold of the noise, then a quadratic that meets them smoothly (Mochi)."""
    most = float(levels.table[-1])
    even = steps // 2
    if steps == 1:
        return (most, 0.0)
    slope, left = threshold / even, steps - even
    bend = (1 - threshold - slope * left) / left**2
    shares = [step * slope for step in range(even)]
    shares += [threshold + slope * (step - even) + bend * (step - even) ** 2 for step in range(even, steps)]
    return tuple((1 - share) * most for share in shares) + END


def lcm(steps: int, levels: Levels) -> Sigmas:
    """Evenly of the steps a consistency model is distilled on (Luo et al. 2023, arXiv:2310.04378; diffusers' choice)."""
    grid = max(steps, DISTILLED)
    places = np.arange(1, grid + 1) * (len(levels.table) // grid) - 1
    chosen = np.floor(np.linspace(0, grid, steps, endpoint=False)).astype(int)
    return tuple(levels.table[places[::-1][chosen]].tolist()) + END


def _last(levels: Levels) -> int:
    return len(levels.table) - 1


AYS_11 = partial(
    optimised,
    sd1=(14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029),
    sdxl=(14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029),
)
"""Sabour et al. 2024, arXiv:2404.14507; the numbers of its authors' page."""

AYS_32 = partial(
    optimised,
    sd1=(
        *(14.615, 11.23951352, 8.64363081, 6.64729424, 5.57250862, 4.71648546, 3.99196065, 3.5195609, 3.13490466),
        *(2.79228788, 2.48773628, 2.21663865, 1.97508351, 1.7793172, 1.61475335, 1.46540953, 1.314849, 1.16642497),
        *(1.03475547, 0.91573744, 0.80748169, 0.71202361, 0.621739, 0.53065202, 0.4529096, 0.37491455, 0.27461819),
        *(0.2011529, 0.14105873, 0.06682881, 0.03166121, 0.015),
    ),
    sdxl=(
        *(14.615, 11.1491618, 8.50522127, 6.48827151, 5.43707402, 4.60398619, 3.89854704, 3.27407457, 2.74396527),
        *(2.29968659, 1.95448514, 1.67108715, 1.42878152, 1.23181009, 1.06789649, 0.92579443, 0.80290886, 0.69660121),
        *(0.60436903, 0.52852552, 0.46773344, 0.41393379, 0.36258186, 0.31008517, 0.26518925, 0.22326461, 0.17653877),
        *(0.13959192, 0.10587381, 0.05519369, 0.02877334, 0.015),
    ),
)
"""The same method at 32 levels, as Forge has them."""

AYS_GITS = partial(
    optimised,
    sd1=(14.615, 4.617, 2.507, 1.236, 0.702, 0.402, 0.240, 0.156, 0.104, 0.094, 0.029),
    sdxl=(14.615, 4.734, 2.567, 1.529, 0.987, 0.652, 0.418, 0.268, 0.179, 0.127, 0.029),
)
"""Levels by the geometry of trajectories (Chen et al. 2024, arXiv:2405.11326), as Forge has them."""

LAID_OUT: Mapping[str, Schedule] = MappingProxyType(
    {
        "Uniform": uniform,
        "SGM Uniform": sgm_uniform,
        "Simple": simple,
        "DDIM": ddim,
        "Karras": karras,
        "Exponential": exponential,
        "Polyexponential": exponential,
        "Beta": beta,
        "KL Optimal": kl_optimal,
        "Align Your Steps": AYS_11,
        "Align Your Steps 11": AYS_11,
        "Align Your Steps 32": AYS_32,
        "Align Your Steps GITS": AYS_GITS,
        "Turbo": turbo,
        "Linear Quadratic": linear_quadratic,
        "Time Uniform": time_uniform,
        "LCM": lcm,
    }
)
"""Schedule -> its function; those laid out by diffusers' classes have none."""


def without_penultimate(schedule: Schedule, steps: int, levels: Levels) -> Sigmas:
    """Lay out one step more and leave its end out: the last step then goes from higher up (A1111's for DPM2, 3M SDE)."""
    laid = schedule(steps + 1, levels)
    return (*laid[:-2], laid[-1])
