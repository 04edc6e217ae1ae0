"""How long a plan will take, told from an earlier run into the same folder."""

from __future__ import annotations

from pathlib import Path

from lora_mixer.batch.ledger import Entry, read_entries
from lora_mixer.batch.plan import PromptFile
from lora_mixer.errors import FileError
from lora_mixer.request import RenderRequest, Settings


def estimate(plan: PromptFile, output: Path) -> str:
    """Return a sentence on the time a plan will take: that of the earlier pictures, by steps and pixels."""
    try:
        lines = read_entries(output)
    except FileError as error:
        return f"no time estimate: {error}"
    if not lines:
        return f"no time estimate: there is no picture of an earlier run in {output} yet"
    return f"about {_shown(seconds_for(plan, lines))}, going by {len(lines)} earlier pictures in {output}"


def seconds_for(plan: PromptFile, lines: tuple[Entry, ...]) -> float:
    """Return the seconds a plan will take; what its jobs leave open is taken from the last of the earlier pictures."""
    last = lines[-1].record.settings
    rate = sum(line.seconds for line in lines) / sum(_work(line.record.settings, last) for line in lines)
    return rate * sum(_work(job.request, last) for job in plan.jobs)


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
