"""A prompt file once it is read: jobs in the order of the sheet, and what was wrong with the rest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lora_mixer.request import RenderRequest

LONGEST_EXCERPT = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in a prompt file that was not done as written.

    Attributes:
        line: Its line, from 1.
        column: Its column, from 1.
        text: The line.
        what: What is wrong and what would be right.
        skipped: The whole line or job was left out; else only this part of it.
    """

    line: int
    column: int
    text: str
    what: str
    skipped: bool = True

    def __str__(self) -> str:
        """Return it with the line and a caret below the place."""
        start = max(0, self.column - 1 - LONGEST_EXCERPT // 2)
        excerpt = self.text[start : start + LONGEST_EXCERPT].replace("\t", " ").rstrip()
        caret = " " * max(0, min(self.column - 1 - start, len(excerpt))) + "^"
        return f"line {self.line}, column {self.column}: {self.what}\n    {excerpt}\n    {caret}"


class PlannedJob(NamedTuple):
    """One picture to render and its place on the sheet; a tuple, because a file may hold 100,000 of them.

    Attributes:
        name: What it is called in the manifest and under the picture.
        request: What to render.
        row: Its row on the sheet, from 0.
        column: Its column, from 0.
        line: The line of the file it came from.
    """

    name: str
    request: RenderRequest
    row: int
    column: int
    line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPlan:
    """The labels of the sheet; with `captions` every picture has its own instead."""

    columns: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    title: str = ""
    captions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFile:
    """The jobs of a prompt file in the order of the sheet, row by row.

    Attributes:
        path: The file.
        jobs: At least one.
        sheet: How the pictures are laid out.
        problems: What was left out, and why.
        text: What stands in it, to say where in it something is wrong.
    """

    path: Path
    jobs: tuple[PlannedJob, ...]
    sheet: SheetPlan
    problems: tuple[Problem, ...] = ()
    text: str = ""


class PromptEntry(NamedTuple):
    """One entry of a prompt file, before the axes multiply it.

    Attributes:
        name: What its author calls it; empty if nothing.
        request: What to render.
        line: Its line in the file.
        pictures: How many pictures, with seeds counting up.
    """

    name: str
    request: RenderRequest
    line: int
    pictures: int = 1
