"""A cache of resolved jobs, so that a picture is resolved once for query and rendering."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from lora_mixer.request import RenderRequest

if TYPE_CHECKING:
    from lora_mixer.pipeline import Job

KEPT = 2048


class JobCache:
    """Jobs by the requests they came from, seeds that were drawn included; the least recently used one goes first.

    Args:
        resolve: Resolves a request.
        keep: The number of jobs kept.
    """

    def __init__(self, resolve: Callable[[RenderRequest], Job], *, keep: int = KEPT) -> None:
        self._resolve = resolve
        self._keep = keep
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    def of(self, request: RenderRequest) -> Job:
        """Return the job of a request: the one there is, as long as the files it names are as they were.

        Raises:
            LoraMixerError: What resolving it raises.
        """
        kept = self._jobs.get(repr(request))
        if kept is not None and all(seal.holds for seal in kept.files):
            self._jobs.move_to_end(repr(request))
            return kept
        job = self._resolve(request)
        drawn = replace(request, seed=job.settings.seed, subseed=job.settings.subseed)
        self._jobs[repr(drawn)] = job
        while len(self._jobs) > self._keep:
            self._jobs.popitem(last=False)
        return job
