"""Locate a job's words in its prompt file: file, line and column, for messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from lora_mixer.ledger.failure import Failure
from lora_mixer.promptfile.plan import PlannedJob, PromptFile
from lora_mixer.request import RenderRequest
from lora_mixer.settings import PICTURE, SECOND_PASS

_BLOCK = 200
"""Lines of an entry that are looked through before the rest of the file."""


class Whereabouts:
    """Places in a prompt file.

    Args:
        file: The file.
    """

    def __init__(self, file: PromptFile) -> None:
        self._file = file
        self._lines: list[str] | None = None

    def of(self, job: PlannedJob, words: str = "", *, ahead: int = 0) -> str:
        """Return where words stand that belong to a job, as `file:line:column`; without a column if they are not found.

        Args:
            job: The job.
            words: What is looked for, from the job's line on, then (for defaults and axes) from the beginning.
            ahead: So many characters further on.
        """
        if self._lines is None:
            self._lines = self._file.text.split("\n")
        first = job.line - 1
        for number in (*range(first, min(first + _BLOCK, len(self._lines))), *range(min(first, len(self._lines)))):
            column = self._lines[number].find(words) if words else -1
            if column >= 0:
                return f"{self._file.path}:{number + 1}:{column + 1 + ahead}"
        return f"{self._file.path}:{job.line}"

    def told(self, failure: Failure) -> Failure:
        """Return a failure with the place of what it is about, in front of what it says itself."""
        job = self._file.jobs[failure.index]
        said = f"{failure.what} {failure.where or ''}"
        setting = failure.where if failure.where in PICTURE or failure.where in SECOND_PASS else None
        words = setting or next((name for name in _names(job.request) if name and name in said), "")
        place = self.of(job, words)
        return replace(failure, where=f"{place}: {failure.where}" if failure.where else place)


def _names(request: RenderRequest) -> Iterator[str]:
    """Yield what a failure may be about, the longest words first."""
    named: Iterable[str | None] = (
        *(use.name for use in (*request.loras, *(use for region in request.regions for use in region.loras))),
        *(word.split(":")[1].split(">")[0] for word in request.prompt.split("<") if ":" in word),
        *request.styles,
        *(picture.name for picture in (request.init, request.mask) if picture is not None),
        *(request.model, request.sampler, request.schedule, request.preset, request.grammar),
    )
    yield from sorted({name.strip() for name in named if name}, key=len, reverse=True)
