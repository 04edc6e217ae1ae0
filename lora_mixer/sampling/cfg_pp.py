"""CFG++: noise is taken off towards the guided picture, and put back as the negative prompt alone sees it.

Chung et al. 2024, arXiv:2406.08070, algorithm 2: x_t = D + t (x - U) / s, where D is the guided picture and U the one that
the negative prompt alone predicts. It wants a cfg of about 0.5 to 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

from torch import Tensor

from lora_mixer.sampling.ancestral import ancestral_levels
from lora_mixer.sampling.solver import Noise, PictureModel, SolverStep, steps_of


class Apart(PictureModel, Protocol):
    """A denoiser that also says what its last call would have been without guidance."""

    unguided: Tensor


def euler_cfg_pp(
    model: Apart, latents: Tensor, sigmas: Sequence[float], noise: Noise, *, eta: float
) -> Iterator[SolverStep]:
    """Euler CFG++, and with ancestral noise Euler a CFG++."""
    for share, now, to in steps_of(sigmas):
        picture = model(latents, now)
        down, up = ancestral_levels(now, to, eta)
        latents = picture + (down / now) * (latents - model.unguided)
        latents = latents + up * noise(now, to) if up else latents
        yield SolverStep(latents, picture, share)


def dpmpp_2m_cfg_pp(model: Apart, latents: Tensor, sigmas: Sequence[float], noise: Noise) -> Iterator[SolverStep]:
    """DPM++ 2M CFG++: with the multistep's second-order term (Lu et al. 2022), its slope from U to D, as in ComfyUI."""
    del noise
    before: tuple[float, Tensor] | None = None
    for share, now, to in steps_of(sigmas):
        picture = model(latents, now)
        latents = picture + (to / now) * (latents - model.unguided)
        if before is not None and to > 0:
            r = math.log(before[0] / now) / math.log(now / to)
            latents = latents + (1 - to / now) / (2 * r) * (picture - before[1])
        before = (now, model.unguided)
        yield SolverStep(latents, picture, share)
