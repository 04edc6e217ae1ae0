"""Preview a run: its batches in order, what is there already, and how long the rest takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lora_mixer.errors import FileError
from lora_mixer.ledger.grow import grown
from lora_mixer.ledger.ledger import Ledger, LedgerEntry, read_entries
from lora_mixer.ledger.plan_file import PLAN, StoredPlan
from lora_mixer.promptfile.plan import PlannedJob, PromptFile
from lora_mixer.request import RenderRequest, Settings
from lora_mixer.runs.batching import mix_key, plan_batches
from lora_mixer.wording import counted


def outline(plan: PromptFile, *, batch: int) -> str:
    """Return a plan's batches, one per line in order of rendering, and their number."""
    batches = plan_batches([job.request for job in plan.jobs], batch=batch)
    mixed = sum(len({mix_key(plan.jobs[place].request) for place in group}) > 1 for group in batches)
    lines = [f"batch {n}: {' '.join(f'{place:04}' for place in group)}" for n, group in enumerate(batches, start=1)]
    return "\n".join(
        [*lines, f"{counted(len(batches), 'batch', 'batches')} of up to {batch}, {mixed} of them with several mixes"]
    )


def estimate(plan: PromptFile, output: Path, *, workers: int = 1) -> str:
    """Return a sentence on the time a plan will take: that of the earlier pictures, by steps and pixels."""
    try:
        lines = read_entries(output)
        missing = _missing(plan, output)
    except FileError as error:
        return f"no time estimate: {error}"
    if not lines:
        return f"no time estimate: there is no picture of an earlier run in {output} yet"
    there = f"{len(plan.jobs) - len(missing)} of {len(plan.jobs)} pictures are there, "
    seconds = seconds_for(missing, lines) / workers
    return f"{there}about {_shown(seconds)} for the rest, going by {counted(len(lines), 'earlier picture')} in {output}"


def seconds_for(jobs: Sequence[PlannedJob], lines: Sequence[LedgerEntry]) -> float:
    """Return the seconds that jobs will take; what they leave open is taken from the last of the earlier pictures."""
    last = lines[-1].record.settings
    rate = sum(line.seconds for line in lines) / sum(_work(line.record.settings, last) for line in lines)
    return rate * sum(_work(job.request, last) for job in jobs)


def _missing(plan: PromptFile, output: Path) -> tuple[PlannedJob, ...]:
    """Return the jobs of which no picture is entered, as far as the plan in the folder knows them."""
    if not (output / PLAN).exists():
        return plan.jobs
    ledger = Ledger.read(output)
    known = grown(StoredPlan.of(plan, size=ledger.plan.size), ledger.plan).plan.jobs
    there = Counter(entry.digest for entry in ledger.entries.values())
    missing = []
    for job, stored in zip(plan.jobs, known, strict=True):
        if stored.digest is None or not there[stored.digest]:
            missing.append(job)
        else:
            there[stored.digest] -= 1
    return tuple(missing)


def _work(asked: RenderRequest | Settings, last: Settings) -> float:
    """Return steps times pixels, over both passes of hires fix."""
    steps, pixels = asked.steps or last.steps, (asked.width or last.width) * (asked.height or last.height)
    hires = asked.hires
    if hires is None:
        return steps * pixels
    larger = hires.width * hires.height if hires.width and hires.height else pixels * (hires.scale or 2.0) ** 2
    return steps * pixels + (hires.steps or steps) * larger


def _shown(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
