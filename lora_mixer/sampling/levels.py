"""Noise levels: what a model was trained at, and how its prediction becomes a picture.

Everything is said in sigma, the noise over the signal: x = picture + sigma * noise (Karras et al. 2022,
arXiv:2206.00364). A model of steps (Stable Diffusion) has a table of levels, between which the logarithm is straight, as
in k-diffusion; a model of continuous noise (CosXL, Playground 2.5) has a least and a most.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from numpy.typing import NDArray
from torch import Tensor

TRAINED = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas", "prediction_type")
"""What a model's scheduler configuration says about its training; the rest of it is a choice of sampler."""

POINTS = 1000


class Levels(Protocol):
    """A model's noise levels, as samplers and schedules use them.

    Attributes:
        table: Its levels, rising.
        tuned: The table that schedules take which were optimised for a kind of model (`sd1`, `sdxl`).
    """

    table: NDArray[np.float64]
    tuned: str

    def at(self, index: float) -> float:
        """Return the level at a position in the table, interpolating."""

    def index_of(self, sigma: float) -> float:
        """Return the position of a level in the table."""

    def time_of(self, sigma: float) -> float:
        """Return the model's timestep for a level."""

    def scaled(self, latents: Tensor, sigma: float) -> Tensor:
        """Return latents of a level as the model expects them."""

    def picture(self, latents: Tensor, output: Tensor, sigma: float) -> Tensor:
        """Return the predicted picture from the model's output."""


class StepLevels:
    """The levels of a model trained at discrete steps, predicting noise or velocity.

    Args:
        trained: The model's scheduler configuration, in diffusers' words.
        tuned: The table of optimised schedules that suits it.
    """

    def __init__(self, trained: Mapping[str, Any], *, tuned: str = "sd1") -> None:
        arguments = trained_of(trained)
        self._euler = EulerDiscreteScheduler(**arguments)
        alphas = self._euler.alphas_cumprod
        sigmas = ((1 - alphas) / alphas).sqrt().numpy()
        self._logs = np.log(sigmas)
        self.table: NDArray[np.float64] = sigmas.astype(np.float64)
        self.tuned = tuned
        self._velocity = trained.get("prediction_type") == "v_prediction"

    def at(self, index: float) -> float:
        """Return the level at a place of the table."""
        low = math.floor(index)
        if low == index:
            return float(self.table[low])
        share = index - low
        return float(math.exp((1 - share) * self._logs[low] + share * self._logs[low + 1]))

    def index_of(self, sigma: float) -> float:
        """Return the place of a level in the table: the trained step, with a fraction between two."""
        return float(self._euler._sigma_to_t(np.array(sigma), self._logs))  # noqa: SLF001

    def time_of(self, sigma: float) -> float:
        """Return the trained step."""
        return self.index_of(sigma)

    def scaled(self, latents: Tensor, sigma: float) -> Tensor:
        """Return latents of unit variance."""
        return latents / math.sqrt(sigma**2 + 1)

    def picture(self, latents: Tensor, output: Tensor, sigma: float) -> Tensor:
        """Return x - s e, or x / (s^2 + 1) - s v / sqrt(s^2 + 1) (Salimans and Ho 2022, appendix D)."""
        if self._velocity:
            return latents / (sigma**2 + 1) - output * (sigma / math.sqrt(sigma**2 + 1))
        return latents - sigma * output


class ContinuousLevels:
    """The levels of a model trained at continuous noise levels, preconditioned as EDM (Karras et al. 2022, table 1).

    Args:
        trained: Its `sigma_min`, `sigma_max`, `sigma_data` and `prediction_type`, in diffusers' words: with epsilon the
            network's output is taken as EDM's F, with v_prediction as a velocity (CosXL).
        tuned: The table of optimised schedules that suits it.
    """

    def __init__(self, trained: Mapping[str, Any], *, tuned: str = "sd1") -> None:
        least, most = float(trained["sigma_min"]), float(trained["sigma_max"])
        self._logs = np.linspace(math.log(least), math.log(most), POINTS)
        self.table: NDArray[np.float64] = np.exp(self._logs)
        self.tuned = tuned
        self._data = float(trained["sigma_data"])
        self._sign = -1.0 if trained.get("prediction_type") == "v_prediction" else 1.0

    def at(self, index: float) -> float:
        """Return the level at a place between the least (0) and the most (999)."""
        return float(math.exp(np.interp(index, np.arange(POINTS), self._logs)))

    def index_of(self, sigma: float) -> float:
        """Return the place of a level between the least (0) and the most (999)."""
        return float(np.interp(math.log(sigma), self._logs, np.arange(POINTS)))

    def time_of(self, sigma: float) -> float:
        """Return a quarter of the level's logarithm."""
        return 0.25 * math.log(sigma)

    def scaled(self, latents: Tensor, sigma: float) -> Tensor:
        """Return latents of unit variance, the picture's own counted."""
        return latents / math.sqrt(sigma**2 + self._data**2)

    def picture(self, latents: Tensor, output: Tensor, sigma: float) -> Tensor:
        """Return c_skip x + c_out F."""
        total = sigma**2 + self._data**2
        return latents * (self._data**2 / total) + output * (self._sign * sigma * self._data / math.sqrt(total))


def levels_of(trained: Mapping[str, Any], *, tuned: str = "sd1") -> Levels:
    """Return a model's noise levels.

    Args:
        trained: Its scheduler configuration, in diffusers' words; `sigma_data` stands for continuous noise.
        tuned: The table of optimised schedules that suits it.
    """
    if is_continuous(trained):
        return ContinuousLevels(trained, tuned=tuned)
    return StepLevels(trained, tuned=tuned)


def is_continuous(trained: Mapping[str, Any]) -> bool:
    """Return whether a model was trained at continuous noise levels instead of steps."""
    return trained.get("sigma_data") is not None


def trained_of(trained: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a scheduler configuration says about training, as arguments of diffusers' classes."""
    arguments = {key: trained[key] for key in TRAINED if trained.get(key) is not None}
    return arguments | ({"rescale_betas_zero_snr": True} if trained.get("rescale_betas_zero_snr") else {})


def on_device(time: float, device: torch.device) -> Tensor:
    """Return a time as the model takes it."""
    return torch.tensor(time, dtype=torch.float32, device=device)


def signal_shares(trained: Mapping[str, Any]) -> Tensor:
    """Return how much signal is left at each trained step (steps,), float32: alphas_cumprod (Ho et al. 2020, eq. 4).

    With `rescale_betas_zero_snr` the last step has next to none (Lin et al. 2023, arXiv:2305.08891, section 3.1).
    """
    shares: Tensor = EulerDiscreteScheduler(**trained_of(trained)).alphas_cumprod.float().clone()
    return shares
