"""Samplers for models that were distilled to say the picture at once: LCM and TCD."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from torch import Tensor

from lora_mixer.sampling.levels import Levels
from lora_mixer.sampling.solver import Noise, PictureModel, SolverStep, move_towards, steps_of


def lcm(model: PictureModel, latents: Tensor, sigmas: Sequence[float], noise: Noise) -> Iterator[SolverStep]:
    """LCM: the predicted picture, with fresh noise on it for the next step (Song et al. 2023, arXiv:2303.01469, alg. 1).

    The boundary condition of Luo et al. 2023 (arXiv:2310.04378, c_skip and c_out) is left out, as in ComfyUI: at the
    steps that are taken it differs from the plain picture by less than 1e-5.
    """
    for share, now, to in steps_of(sigmas):
        picture = model(latents, now)
        latents = picture + to * noise(now, to) if to > 0 else picture
        yield SolverStep(latents, picture, share)


def tcd(
    model: PictureModel, latents: Tensor, sigmas: Sequence[float], noise: Noise, *, eta: float, levels: Levels
) -> Iterator[SolverStep]:
    """TCD: down to an earlier time s = (1 - eta) t, and up to t by noise (Zheng et al. 2024, arXiv:2402.19159, alg. 4)."""
    for share, now, to in steps_of(sigmas):
        picture = model(latents, now)
        if to == 0:
            latents = picture
        else:
            down = min(to, levels.at(math.floor(max(0.0, 1 - eta) * levels.index_of(to))))
            latents = move_towards(latents, picture, now, down)
            latents = latents + math.sqrt(to**2 - down**2) * noise(now, to) if down < to else latents
        yield SolverStep(latents, picture, share)
