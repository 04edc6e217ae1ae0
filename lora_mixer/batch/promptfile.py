"""Prompt files: what to render, read and checked before a model is opened."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from lora_mixer.batch.axes import Axis, Point
from lora_mixer.batch.schema import JobTable, PromptFileTable
from lora_mixer.errors import ConfigError, MissingFileError
from lora_mixer.request import RenderRequest

MAX_BYTES = 1 << 20
MAX_JOBS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One picture to render and its place on the sheet."""

    name: str
    request: RenderRequest
    row: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPlan:
    """The labels of the sheet; with `captions` every picture has its own instead."""

    columns: tuple[str, ...]
    rows: tuple[str, ...]
    title: str
    captions: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFile:
    """The jobs of a prompt file in the order of the sheet, row by row."""

    path: Path
    jobs: tuple[Job, ...]
    sheet: SheetPlan
    problems: tuple[str, ...] = ()


def read_prompt_file(path: Path) -> PromptFile:
    """Read a prompt file: TOML by its suffix, else one prompt a line with `#` comments.

    Raises:
        MissingFileError: It is not there.
        ConfigError: It cannot be read; the text names line, key and what was expected.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MissingFileError(f"the prompt file cannot be read ({error.strerror})", where=str(path)) from error
    if len(data) > MAX_BYTES:
        raise ConfigError("a prompt file of more than 1 MiB", where=str(path), remedy="Split it.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError("the prompt file is not UTF-8", where=str(path), remedy="Save it as UTF-8.") from error
    return _toml(path, text) if path.suffix.lower() == ".toml" else _lines(path, text)


def _lines(path: Path, text: str) -> PromptFile:
    lines = [line.strip() for line in text.splitlines()]
    prompts = [line for line in lines if line and not line.startswith("#")]
    return _plain(path, [(prompt, RenderRequest(prompt=prompt)) for prompt in prompts], "")


def _toml(path: Path, text: str) -> PromptFile:
    try:
        table = PromptFileTable.model_validate(tomllib.loads(text))
        columns = table.axes.columns and table.axes.columns.axis()
        rows = table.axes.rows and table.axes.rows.axis()
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not TOML: {error}", where=str(path)) from error
    except RecursionError as error:
        raise ConfigError("nested too deeply", where=str(path)) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"{key or 'the file'}: {first['msg']}", where=str(path), remedy="docs/prompt-files.md lists every key."
        ) from error
    blocks = table.jobs or ([JobTable()] if table.defaults.prompt is not None or columns or rows else [])
    named = [(job.name or job.prompt or table.defaults.prompt or "", job.request(table.defaults)) for job in blocks]
    return _crossed(path, named, columns, rows, table.title) if columns or rows else _plain(path, named, table.title)


def _plain(path: Path, named: list[tuple[str, RenderRequest]], title: str) -> PromptFile:
    _count(path, len(named))
    across = min(math.ceil(math.sqrt(len(named))), 8)
    jobs = tuple(
        Job(name=name, request=request, row=number // across, column=number % across)
        for number, (name, request) in enumerate(named)
    )
    return PromptFile(path=path, jobs=jobs, sheet=SheetPlan(columns=(), rows=(), title=title, captions=True))


def _crossed(
    path: Path, named: list[tuple[str, RenderRequest]], columns: Axis | None, rows: Axis | None, title: str
) -> PromptFile:
    here = Axis(points=(Point("", lambda request: request),))
    across, down = columns or here, rows or here
    _count(path, len(named) * len(across.points) * len(down.points))
    jobs: list[Job] = []
    labels: list[str] = []
    for name, request in named:
        for row in down.points:
            labels.append(", ".join(part for part in (name if len(named) > 1 else "", row.label) if part))
            jobs += [
                Job(
                    name=" ".join(part for part in (name, row.label, column.label) if part),
                    request=column.change(row.change(request)),
                    row=len(labels) - 1,
                    column=x,
                )
                for x, column in enumerate(across.points)
            ]
    sheet = SheetPlan(
        columns=tuple(point.label for point in across.points), rows=tuple(labels), title=title, captions=False
    )
    return PromptFile(path=path, jobs=tuple(jobs), sheet=sheet)


def _count(path: Path, count: int) -> None:
    if not count:
        raise ConfigError(
            "no prompt in the file", where=str(path), remedy="Write one prompt a line, or [[jobs]] tables."
        )
    if count > MAX_JOBS:
        raise ConfigError(f"{count} pictures", where=str(path), remedy=f"Keep a file to {MAX_JOBS} pictures.")
