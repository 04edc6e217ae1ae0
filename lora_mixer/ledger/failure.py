"""Failed jobs with their reasons, as plain values for messages and files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lora_mixer.errors import LoraMixerError, RenderError


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A job that failed.

    Attributes:
        index: Its number in the plan.
        error: The name of the error's class.
        what: What happened.
        where: The line of the prompt file, and the file or option it happened at.
        remedy: The remedy.
    """

    index: int
    error: str
    what: str
    where: str | None = None
    remedy: str | None = None

    @staticmethod
    def of(error: LoraMixerError, index: int = 0) -> Failure:
        """Turn one of our errors into a failure."""
        return Failure(index=index, error=type(error).__name__, what=error.what, where=error.where, remedy=error.remedy)

    def raised(self) -> LoraMixerError:
        """Turn the failure back into its error."""
        kinds = {kind.__name__: kind for kind in _tree(LoraMixerError)}
        return kinds.get(self.error, RenderError)(self.what, where=self.where, remedy=self.remedy)


def _tree(kind: type[LoraMixerError]) -> Iterator[type[LoraMixerError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _tree(below)
