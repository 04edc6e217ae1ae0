"""What a mask keeps of pictures while the rest is drawn."""

from __future__ import annotations

from torch import Tensor

from lora_mixer.sampling.schedulers import Scheduler
from lora_mixer.sampling.start import PictureStart


class KeptAtLevel:
    """What a mask keeps, as solvers see it: the model is shown it with the seed's noise, and predicts nothing else of it."""

    def __init__(self, start: PictureStart, fresh: Tensor) -> None:
        self._start, self._fresh = start, fresh
        self._begins = start.anew

    def shown(self, latents: Tensor, sigma: float) -> Tensor:
        """Return latents of a noise level as the model shall see them; noise alone is where it is begun with."""
        if self._begins:
            self._begins = False
            return latents
        return self._start.keep(latents, self._start.pictures.float() + sigma * self._fresh)

    def picture(self, picture: Tensor) -> Tensor:
        """Return a predicted picture with what is kept."""
        return self._start.keep(picture)


class KeptByScheduler:
    """The kept part of a masked picture, at the scheduler's current noise level."""

    def __init__(self, start: PictureStart, fresh: Tensor, scheduler: Scheduler) -> None:
        self._start, self._fresh, self._scheduler = start, fresh, scheduler

    def put_back(self, latents: Tensor, time: Tensor | None) -> Tensor:
        """Return latents with it put back; after the last time there is no noise."""
        if self._start.redrawn is None or time is None:
            return self._start.keep(latents)
        times = time.reshape(1).repeat(len(latents))
        return self._start.keep(latents, self._scheduler.add_noise(self._start.pictures.float(), self._fresh, times))
