"""The loop of solvers: noise levels from a schedule, a function that walks down them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from lora_mixer.choices import Sampler
from lora_mixer.sampling.kept import KeptAtLevel
from lora_mixer.sampling.levels import Levels, on_device
from lora_mixer.sampling.noise import NoiseSource
from lora_mixer.sampling.noise_schedule import NoiseSchedule
from lora_mixer.sampling.solver import FreshNoise
from lora_mixer.sampling.solvers import solver_of
from lora_mixer.sampling.step import Denoise, Step

CLOSE = 1e-6  # shares of a whole number of steps are not exact


def solve(
    denoise: Denoise,
    at: Tensor,
    sampler: Sampler,
    levels: Levels,
    course: NoiseSchedule,
    steps: int,
    noise: Sequence[NoiseSource],
    *,
    kept: KeptAtLevel | None = None,
) -> Iterator[Step]:
    """Run a solver over a noise schedule, from latents at its first level; yield every step once, in order.

    A solver may take more steps than were asked for, or fewer: those that are asked for are its work in equal shares.
    """
    model = _GuidedModel(denoise, levels, course, steps, kept)
    picture = at
    for at, picture, share in solver_of(sampler, levels)(model, at, course.sigmas, FreshNoise(noise, at)):  # noqa: B020 it walks on
        reached = min(int(share * steps + CLOSE), steps - 1)
        for index in range(model.done, reached):
            yield Step(index=index, total=steps, latents=at, predicted=picture)
        model.step_after(reached)
    for index in range(model.done, steps):
        yield Step(index=index, total=steps, latents=kept.picture(at) if kept else at, predicted=picture)


class _GuidedModel:
    """A model as solvers see it: maps latents at a noise level to the predicted picture.

    Attributes:
        done: The number of requested steps done.
        unguided: The picture that the negative prompt alone predicted in the last call, if the model tells it; else
            the same as the guided one.
    """

    unguided: Tensor

    def __init__(
        self, denoise: Denoise, levels: Levels, course: NoiseSchedule, steps: int, kept: KeptAtLevel | None
    ) -> None:
        self._denoise, self._levels, self._course, self._steps = denoise, levels, course, steps
        self._kept = kept
        self._begins = True
        self.done = 0

    def __call__(self, latents: Tensor, sigma: float) -> Tensor:
        told, self._begins = self._course.times.get(sigma) if self._begins else None, False
        timestep = on_device(self._levels.time_of(sigma) if told is None else told, latents.device)
        step = min(self.done, self._steps - 1)
        latents = latents if self._kept is None else self._kept.shown(latents, sigma)
        output = self._denoise(self._levels.scaled(latents, sigma), timestep, step).float()
        picture = self._predicted(latents, output, sigma)
        negative: Tensor | None = getattr(self._denoise, "negative", None)
        self.unguided = picture if negative is None else self._predicted(latents, negative, sigma)
        return picture

    def _predicted(self, latents: Tensor, output: Tensor, sigma: float) -> Tensor:
        picture = self._levels.picture(latents, output, sigma)
        return picture if self._kept is None else self._kept.picture(picture)

    def step_after(self, reached: int) -> None:
        """Begin the next step, after `done` requested steps."""
        self.done, self._begins = max(self.done, reached), True
