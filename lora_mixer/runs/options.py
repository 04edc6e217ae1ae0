"""How a run is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lora_mixer.ledger.failure import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run is done; nothing here but `batch` and `threads` touches a pixel, and those are kept with the plan.

    Attributes:
        batch: The most pictures rendered at once.
        threads: CPU threads of each worker; None shares out what there is.
        anew: Set aside what the folder holds, and make every picture anew.
        retry_failed: Try again what failed in an earlier run.
        strict: Stop before the first picture if any job cannot be made, or if the pictures there were made from other
            files, versions or settings.
        known: Why some jobs cannot be made, by number, as far as that was found out without a worker.
        witness: Returns what stands for all files and options the plan follows from (`witness_of`): where it is as it
            was, and every picture is there, no model is opened. None always asks a worker.
        sheet: Lay out a sheet and an index of the pictures.
    """

    batch: int = 4
    threads: int | None = None
    anew: bool = False
    retry_failed: bool = False
    strict: bool = False
    known: Mapping[int, Failure] = field(default_factory=lambda: MappingProxyType({}))
    witness: Callable[[], str] | None = None
    sheet: bool = True
