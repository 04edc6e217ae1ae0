"""Prompt files in TOML: a title, defaults, axes, and one `[[jobs]]` table an entry."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Annotated, Self

from pydantic import AliasChoices, Field, model_validator

from lora_mixer.batch.axes import HIRES, Axis, field_axis, lora_axis, loras_axis, replace_axis
from lora_mixer.batch.plan import Problem, Wish
from lora_mixer.batch.promptfile_draft import Draft
from lora_mixer.batch.promptfile_parts import Finite, Table
from lora_mixer.batch.promptfile_schema import Fault, Fields, JobTable, nearest, read_table
from lora_mixer.batch.ranges import numbers, whole_numbers
from lora_mixer.catalog.toml_lines import line_of
from lora_mixer.errors import ConfigError
from lora_mixer.wording import page

TOP_KEYS = ("title", "defaults", "axes", "jobs")
_HEADER = re.compile(r"^[ \t]*\[\[?[ \t]*(?P<name>[^\]\n]*?)[ \t]*\]", re.MULTILINE)
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)$")

Numbers = str | list[int | Finite]
Words = Annotated[list[str], Field(min_length=1)]


def _also(name: str, *others: str) -> AliasChoices:
    return AliasChoices(name, *others)


class AxisTable(Table):
    """One axis: exactly one thing that varies."""

    lora: str | None = None
    strengths: Numbers | None = None
    loras: Words | None = None
    strength: Finite = 1.0
    without: bool = True
    prompt: Words | None = Field(default=None, validation_alias=_also("prompt", "prompts"))
    negative: Words | None = Field(default=None, validation_alias=_also("negative", "negatives"))
    sampler: Words | None = Field(default=None, validation_alias=_also("sampler", "samplers"))
    schedule: Words | None = Field(default=None, validation_alias=_also("schedule", "schedules"))
    model: Words | None = Field(default=None, validation_alias=_also("model", "models"))
    rng: Words | None = Field(default=None, validation_alias=_also("rng", "rngs"))
    preset: Words | None = Field(default=None, validation_alias=_also("preset", "presets"))
    hires_upscaler: Words | None = Field(default=None, validation_alias=_also("hires_upscaler", "hires_upscalers"))
    seed: Numbers | None = Field(default=None, validation_alias=_also("seed", "seeds"))
    subseed: Numbers | None = Field(default=None, validation_alias=_also("subseed", "subseeds"))
    subseed_strength: Numbers | None = None
    steps: Numbers | None = None
    cfg: Numbers | None = None
    cfg_rescale: Numbers | None = None
    eta: Numbers | None = None
    clip_skip: Numbers | None = None
    hires_scale: Numbers | None = None
    hires_steps: Numbers | None = None
    hires_denoise: Numbers | None = None
    hires_cfg: Numbers | None = None
    replace: Words | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        given = [name for name in VARIED if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"an axis varies exactly one of {', '.join(VARIED)}")
        if (self.lora is None) != (self.strengths is None):
            raise ValueError("lora and strengths go together")
        return self

    def axis(self) -> Axis:
        """Return the axis.

        Raises:
            ConfigError: A range that cannot be read, or a value its field cannot take.
        """
        if self.lora is not None and self.strengths is not None:
            return lora_axis(self.lora, _numbers(self.strengths), without=self.without)
        if self.loras is not None:
            return loras_axis(self.loras, self.strength, without=self.without)
        if self.replace is not None:
            return replace_axis(self.replace)
        name = next(name for name in VARIED if getattr(self, name) is not None)
        return field_axis(name, self._values(name))

    def _values(self, name: str) -> Sequence[object]:
        value = getattr(self, name)
        if name not in TEXTS:
            value = _whole_numbers(value) if name in WHOLE else _numbers(value)
        return [_checked(name, one) for one in value]


def _checked(name: str, value: object) -> object:
    """Return a value as its field takes it; a field of the second pass is checked as part of that."""
    part = name.removeprefix(HIRES)
    table = read_table(Fields, {name: value} if part == name else {"hires": {part: value}})
    if isinstance(table, tuple):
        raise ConfigError(table[0].what, remedy="Every place on an axis must be a value its field can take.")
    return getattr(table if table.hires is None else table.hires, part)


VARIED = (
    *("lora", "loras", "prompt", "negative", "replace", "seed", "subseed", "subseed_strength", "steps", "cfg"),
    *("cfg_rescale", "eta", "sampler", "schedule", "clip_skip", "model", "preset", "rng"),
    *("hires_scale", "hires_steps", "hires_denoise", "hires_cfg", "hires_upscaler"),
)
WHOLE = frozenset({"seed", "subseed", "steps", "clip_skip", "hires_steps"})
TEXTS = frozenset({"prompt", "negative", "sampler", "schedule", "model", "preset", "rng", "hires_upscaler"})


class AxesTable(Table):
    """What varies along the columns and rows of the sheet."""

    columns: AxisTable | None = None
    rows: AxisTable | None = None


class Head(Table):
    """Everything but the jobs: a fault here concerns the whole file."""

    title: str = ""
    defaults: Fields = Fields()
    axes: AxesTable = AxesTable()


def read_toml(text: str, where: str) -> Draft:
    """Read a TOML prompt file; a job that is wrong is left out and told.

    Raises:
        ConfigError: It is not TOML, or what concerns all jobs is wrong.
    """
    table = _load(text, where)
    unknown = next((key for key in table if key not in TOP_KEYS), None)
    if unknown is not None:
        raise _refusal(text, where, Fault(key=(unknown,), what=f"unknown key {unknown}; {nearest(unknown, TOP_KEYS)}"))
    head = read_table(Head, {key: value for key, value in table.items() if key != "jobs"})
    if isinstance(head, tuple):
        raise _refusal(text, where, head[0])
    jobs = table.get("jobs", [{}] if head.defaults.prompt is not None or head.axes != AxesTable() else [])
    if not isinstance(jobs, list):
        raise _refusal(text, where, Fault(key=("jobs",), what="jobs are written as [[jobs]], each its own table"))
    varied = any(axis is not None and axis.prompt is not None for axis in (head.axes.columns, head.axes.rows))
    wishes, problems = _read_jobs(text, jobs, head.defaults, prompted=varied or head.defaults.prompt is not None)
    return Draft(
        wishes=wishes,
        problems=problems,
        columns=_axis(text, where, "columns", head.axes.columns),
        rows=_axis(text, where, "rows", head.axes.rows),
        title=head.title,
    )


def _load(text: str, where: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        found = _PLACE.search(said)
        lines = text.split("\n")
        line, column = (int(found[1]), int(found[2])) if found else (len(lines), len(lines[-1]) + 1)
        raise _at(
            where, Problem(line=line, column=column, text=lines[line - 1], what=_PLACE.sub("", said).strip())
        ) from error
    except RecursionError as error:
        raise ConfigError("the file is nested too deeply", where=where, remedy="Use tables of one level.") from error


def _read_jobs(
    text: str, jobs: Sequence[object], defaults: Fields, *, prompted: bool
) -> tuple[tuple[Wish, ...], tuple[Problem, ...]]:
    """Read the jobs; those without a prompt are problems unless defaults or an axis give one (`prompted`)."""
    wishes: list[Wish] = []
    problems: list[Problem] = []
    blocks = list(_blocks(text))
    for number, table in enumerate(jobs):
        first, block = blocks[number] if number < len(blocks) else (1, text)
        job = read_table(JobTable, table)
        if isinstance(job, JobTable) and job.prompt is None and not prompted:
            problems.append(_problem(block, ("jobs",), "there is no prompt", first))
        elif isinstance(job, JobTable):
            name = job.name or ""
            wishes.append(Wish(name=name, request=job.request(defaults), line=first, count=job.count))
        else:
            problems += [_problem(block, ("jobs", *fault.key), fault.what, first) for fault in job]
    return tuple(wishes), tuple(problems)


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Yield each `[[jobs]]` table with the number of its first line."""
    headers = list(_HEADER.finditer(text))
    for index, header in enumerate(headers):
        if header["name"] == "jobs":
            rest = headers[index + 1 :]
            end = next((h.start() for h in rest if not h["name"].startswith("jobs.")), len(text))
            yield text.count("\n", 0, header.start()) + 1, text[header.start() : end].lstrip("\n")


def _axis(text: str, where: str, side: str, table: AxisTable | None) -> Axis | None:
    try:
        return None if table is None else table.axis()
    except ConfigError as error:
        raise _refusal(text, where, Fault(key=("axes", side), what=str(error))) from error


def _refusal(text: str, where: str, fault: Fault) -> ConfigError:
    return _at(where, _problem(text, fault.key, fault.what, 1))


def _at(where: str, problem: Problem) -> ConfigError:
    error = ConfigError(
        problem.what,
        where=f"{where}:{problem.line}:{problem.column}",
        remedy=f"Every key is in {page('prompt-files')}.",
    )
    error.add_note(str(problem))
    return error


def _problem(text: str, key: Sequence[str | int], what: str, first: int) -> Problem:
    """Place a fault: the line its key stands on, and the key's column there."""
    line = line_of(text, key)
    content = text.split("\n")[line - 1]
    names = [part for part in key if isinstance(part, str) and part != "jobs"]
    column = next((content.find(name) + 1 for name in reversed(names) if name in content), 1)
    return Problem(line=first + line - 1, column=column, text=content, what=what)


def _numbers(given: str | Sequence[float]) -> tuple[float, ...]:
    return numbers(given) if isinstance(given, str) else tuple(map(float, given))


def _whole_numbers(given: str | Sequence[float]) -> tuple[float, ...]:
    """Return whole numbers as they are; a list's other values too, for the field to refuse."""
    if isinstance(given, str):
        return whole_numbers(given)
    return tuple(int(value) if value == int(value) else value for value in given)
