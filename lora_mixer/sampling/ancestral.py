"""k-diffusion's ancestral and SDE samplers: those diffusers has no class for, or none that takes eta.

Everything is one first-order step towards a predicted picture D, taken from noise level s to level t:
x_t = (t/s) x + (1 - t/s) D, which is Euler's step on the probability flow (Karras et al. 2022, arXiv:2206.00364, eq. 5)
and DPM-Solver++'s first-order step (Lu et al. 2022, arXiv:2211.01095, eq. 9 in terms of sigma = sigma_t/alpha_t) alike.
An ancestral step goes down further than asked, to sigma_down, and adds fresh noise of sigma_up, so that
sigma_down^2 + sigma_up^2 = t^2; eta scales sigma_up (Song et al. 2020, arXiv:2010.02502, eq. 16).

Noise levels and timesteps are diffusers' `EulerDiscreteScheduler`'s, so every schedule it knows is known here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler, EulerDiscreteSchedulerOutput
from diffusers.utils.torch_utils import randn_tensor
from torch import Tensor

Draw = Callable[[], Tensor]


class _Call(NamedTuple):
    """One call of the model: at which noise level, in the step from `now` to `to`; `half` is the level between."""

    at: float
    now: float
    to: float
    half: float | None
    second: bool = False


class EulerAncestral:
    """Euler's method with ancestral noise, one call of the model a step; base of the samplers of two calls.

    Args:
        eta: Factor on the noise that is added.
        trained: Arguments of diffusers' `EulerDiscreteScheduler`: the model's noise schedule, and the spacing.
    """

    order = 1

    def __init__(self, *, eta: float, **trained: Any) -> None:  # noqa: ANN401  # whatever diffusers' class takes
        self._eta = eta
        self._levels = EulerDiscreteScheduler(**trained)
        self.config: Mapping[str, Any] = self._levels.config
        self.alphas_cumprod: Tensor = self._levels.alphas_cumprod
        self._calls: tuple[_Call, ...] = ()
        self._at = 0

    @property
    def init_noise_sigma(self) -> float:
        """What noise of unit variance is multiplied by to start from."""
        return float(self._levels.init_noise_sigma)

    def set_timesteps(self, steps: int, *, device: torch.device | None = None) -> None:
        """Lay out this many steps; those with a level between take two calls of the model."""
        self._levels.set_timesteps(steps, device=device)
        logs = np.log(((1 - self.alphas_cumprod) / self.alphas_cumprod).sqrt().numpy())
        calls: list[_Call] = []
        times: list[float] = []
        for time, (now, to) in zip(
            self._levels.timesteps.tolist(), pairwise(self._levels.sigmas.tolist()), strict=True
        ):
            half = self._half(now, to) if to else None
            calls.append(_Call(now, now, to, half))
            times.append(time)
            if half is not None:
                calls.append(_Call(half, now, to, half, second=True))
                times.append(float(self._levels._sigma_to_t(np.array(half), logs)))  # noqa: SLF001
        self._calls, self._at = tuple(calls), 0
        self.timesteps = torch.tensor(times, dtype=torch.float32, device=device)

    def set_begin_index(self, begin_index: int) -> None:
        """Start at this call of the model instead of the first."""
        self._at = begin_index

    def add_noise(self, original_samples: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """Return pictures with the noise that the next call expects."""
        del timesteps
        return original_samples + noise * self._calls[self._at].at

    def scale_model_input(self, sample: Tensor, timestep: Tensor) -> Tensor:
        """Return the latents as the model shall see them: of unit variance."""
        del timestep
        return sample / math.sqrt(self._calls[self._at].at ** 2 + 1)

    def step(
        self, model_output: Tensor, timestep: Tensor, sample: Tensor, *, generator: list[torch.Generator]
    ) -> EulerDiscreteSchedulerOutput:
        """Return the latents one call further."""
        del timestep
        call = self._calls[self._at]
        self._at += 1
        picture = self._picture(model_output, sample, call.at)

        def draw() -> Tensor:
            noise: Tensor = randn_tensor(sample.shape, generator=generator, device=sample.device, dtype=sample.dtype)
            return noise

        after = self._advance(sample, picture, call, draw)
        return EulerDiscreteSchedulerOutput(prev_sample=after, pred_original_sample=picture)

    def _picture(self, output: Tensor, latents: Tensor, level: float) -> Tensor:
        """Return the predicted picture: x - s e, or x / (s^2 + 1) - s v / sqrt(s^2 + 1)."""
        if self.config["prediction_type"] == "v_prediction":
            return latents / (level**2 + 1) - output * (level / math.sqrt(level**2 + 1))
        return latents - level * output

    def _half(self, now: float, to: float) -> float | None:
        """Return the level of a step's second call, if it makes one."""
        del now, to
        return None

    def _advance(self, latents: Tensor, picture: Tensor, call: _Call, draw: Draw) -> Tensor:
        """Return the latents after a call that predicted this picture."""
        return self._ancestral(latents, picture, call, draw)

    def _ancestral(self, latents: Tensor, picture: Tensor, call: _Call, draw: Draw) -> Tensor:
        down, up = ancestral_levels(call.now, call.to, self._eta)
        after = _towards(latents, picture, call.now, down)
        return after + up * draw() if up else after


class DPMPP2SAncestral(EulerAncestral):
    """DPM++ 2S a: the picture predicted half-way decides the whole step (Lu et al. 2022, algorithm 1, r = 1/2)."""

    order = 2
    _before: Tensor  # where the step began

    def _half(self, now: float, to: float) -> float | None:
        return math.sqrt(now * ancestral_levels(now, to, self._eta)[0]) or None

    def _advance(self, latents: Tensor, picture: Tensor, call: _Call, draw: Draw) -> Tensor:
        if call.half is None:
            return self._ancestral(latents, picture, call, draw)
        if call.second:
            return self._second(latents, picture, call, draw)
        self._before = latents
        return self._first(latents, picture, call, draw)

    def _first(self, latents: Tensor, picture: Tensor, call: _Call, draw: Draw) -> Tensor:
        """Return the latents half-way."""
        del draw
        return _towards(latents, picture, call.now, call.half or call.to)

    def _second(self, latents: Tensor, picture: Tensor, call: _Call, draw: Draw) -> Tensor:
        """Return the latents at the end of the step."""
        del latents
        return self._ancestral(self._before, picture, call, draw)


class DPM2Ancestral(DPMPP2SAncestral):
    """DPM2 a: the slope half-way decides the whole step (Karras et al. 2022, algorithm 2; Lu et al. 2022a, DPM-Solver-2)."""

    def _second(self, latents: Tensor, picture: Tensor, call: _Call, draw: Draw) -> Tensor:
        down, up = ancestral_levels(call.now, call.to, self._eta)
        slope = (latents - picture) / call.at
        after = self._before + slope * (down - call.now)
        return after + up * draw() if up else after


class DPMPPSDE(DPMPP2SAncestral):
    """DPM++ SDE: both halves of a step add noise, increments of one Brownian path in sigma (Lu et al. 2022, section 5).

    The path is drawn as it is walked: W(now, half), then W(half, to); W(now, to) is their sum.
    """

    _noise: Tensor  # of the first half

    def _half(self, now: float, to: float) -> float | None:
        return math.sqrt(now * to)

    def _first(self, latents: Tensor, picture: Tensor, call: _Call, draw: Draw) -> Tensor:
        self._noise = draw()
        down, up = ancestral_levels(call.now, call.half or call.to, self._eta)
        return _towards(latents, picture, call.now, down) + up * self._noise

    def _second(self, latents: Tensor, picture: Tensor, call: _Call, draw: Draw) -> Tensor:
        del latents
        done = (call.now - call.at) / (call.now - call.to)
        noise = math.sqrt(done) * self._noise + math.sqrt(1 - done) * draw()
        return self._ancestral(self._before, picture, call, lambda: noise)


def ancestral_levels(now: float, to: float, eta: float) -> tuple[float, float]:
    """Return (sigma_down, sigma_up) of an ancestral step.

    >>> ancestral_levels(2.0, 1.0, 0.0)
    (1.0, 0.0)
    """
    up = min(to, eta * math.sqrt(to**2 * (now**2 - to**2) / now**2))
    return math.sqrt(to**2 - up**2), up


def _towards(latents: Tensor, picture: Tensor, now: float, to: float) -> Tensor:
    return picture + (to / now) * (latents - picture)
