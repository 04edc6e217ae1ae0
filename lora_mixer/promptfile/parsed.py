"""What a reader of one format hands on: entries, axes, and the lines it could not use."""

from __future__ import annotations

from dataclasses import dataclass

from lora_mixer.promptfile.axes import Axis
from lora_mixer.promptfile.plan import Problem, PromptEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile:
    """A prompt file as its format's reader understood it, before axes multiply the entries.

    Attributes:
        entries: Its entries.
        problems: What could not be used.
        columns: What varies along the columns.
        rows: What varies along the rows.
        title: Its title.
        files: Whether an entry may name pictures, which lie beside the file.
    """

    entries: tuple[PromptEntry, ...]
    problems: tuple[Problem, ...] = ()
    columns: Axis | None = None
    rows: Axis | None = None
    title: str = ""
    files: bool = True
