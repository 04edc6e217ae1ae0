"""Requests from Python as a plan, like a prompt file's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lora_mixer.errors import RequestError
from lora_mixer.promptfile.expand import expand
from lora_mixer.promptfile.plan import PromptEntry, PromptFile
from lora_mixer.request import RenderRequest

SOURCE = Path("requests")
"""What stands in the place of a prompt file's path, in plans and errors."""


def plan_of(requests: Iterable[RenderRequest], *, title: str = "") -> PromptFile:
    """Return the plan of some requests: in their order on a sheet that is about as wide as high.

    Raises:
        RequestError: There is none.
        ConfigError: There are too many.
    """
    entries = [PromptEntry(name="", request=request, line=number) for number, request in enumerate(requests, start=1)]
    if not entries:
        raise RequestError("there is nothing to render", remedy="Give at least one request.")
    jobs, sheet = expand(entries, title=title)
    return PromptFile(path=SOURCE, jobs=jobs, sheet=sheet)
