"""Prompt files in TOML: a title, defaults, axes, and one `[[jobs]]` table an entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from lora_mixer.catalog import same_spelling
from lora_mixer.catalog.toml_lines import lines_of, table_lines
from lora_mixer.catalog.toml_text import BadToml, load_toml
from lora_mixer.errors import ConfigError, RequestError
from lora_mixer.mixes import Mix
from lora_mixer.promptfile.axes import HIRES, Axis, Same, field_axis, lora_axis, loras_axis, morph_axis, replace_axis
from lora_mixer.promptfile.entries import EntryReader
from lora_mixer.promptfile.expand import refuse_too_many
from lora_mixer.promptfile.parsed import ParsedFile
from lora_mixer.promptfile.parts import Finite, LoraTable, StrictTable, short_loras
from lora_mixer.promptfile.plan import Problem, PromptEntry
from lora_mixer.promptfile.ranges import numbers, whole_numbers
from lora_mixer.promptfile.schema import HINTED, Fault, FieldsTable, nearest, read_table
from lora_mixer.settings import PICTURE, SECOND_PASS, Setting
from lora_mixer.settings.kinds import Real, Whole
from lora_mixer.settings.schema import axis_fields_of, with_fields
from lora_mixer.wording import page

TOP_KEYS = ("title", "defaults", "axes", "jobs")
MAX_PLACES = 10_000
"""Places on one axis."""

Numbers = str | list[int | Finite]
Words = Annotated[list[str], Field(min_length=1)]
MixOfTables = Annotated[list[LoraTable], BeforeValidator(short_loras)]
"""A mix as a job has it: `{ ink = 1 }` or tables."""

SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {row.name: row for row in PICTURE if row.axis} | {HIRES + row.name: row for row in SECOND_PASS if row.axis}
)
"""What an axis may vary besides LoRAs and words, by the name it has there."""
VARIED = ("lora", "loras", "morph", "replace", *SETTINGS)


@with_fields(axis_fields_of(PICTURE) | axis_fields_of(SECOND_PASS, HIRES))
class AxisTable(StrictTable):
    """One axis: exactly one thing that varies."""

    lora: str | None = None
    strengths: Numbers | None = None
    loras: Words | None = None
    strength: Finite = 1.0
    without: bool = True
    morph: Annotated[list[MixOfTables], Field(min_length=2, max_length=100)] | None = None
    places: int = Field(default=5, ge=2, le=1000)
    loop: bool = False
    replace: Words | None = None
    if TYPE_CHECKING:
        prompt: Words | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        given = [name for name in VARIED if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"an axis varies exactly one of {', '.join(VARIED)}")
        if (self.lora is None) != (self.strengths is None):
            raise ValueError("lora and strengths go together")
        return self

    def axis(self, same: Same) -> Axis:
        """Return the axis; `same` tells whether two names are one adapter's.

        Raises:
            ConfigError: A range that cannot be read, or a value its field cannot take.
        """
        if self.lora is not None and self.strengths is not None:
            return lora_axis(self.lora, _numbers(self.strengths), without=self.without, same=same)
        if self.loras is not None:
            return loras_axis(self.loras, self.strength, without=self.without, same=same)
        if self.morph is not None:
            mixes = [Mix(tuple(table.use() for table in tables)) for tables in self.morph]
            try:
                return morph_axis(mixes, self.places, loop=self.loop, same=same)
            except RequestError as error:
                raise ConfigError(error.what, remedy=error.remedy) from error
        if self.replace is not None:
            return replace_axis(self.replace)
        name = next(name for name in VARIED if getattr(self, name) is not None)
        return field_axis(name, self._values(name))

    def _values(self, name: str) -> Sequence[object]:
        value = getattr(self, name)
        if len(value) > MAX_PLACES and not isinstance(value, str):
            raise ConfigError(f"an axis of {len(value):,} places", remedy=f"{MAX_PLACES:,} are the most.")
        kind = SETTINGS[name].kind
        if isinstance(kind, (Whole, Real)):
            value = _whole_numbers(value) if isinstance(kind, Whole) else _numbers(value)
        return [_checked(name, one) for one in value]


def _checked(name: str, value: object) -> object:
    """Return a value as its field takes it; a field of the second pass is checked as part of that."""
    part = name.removeprefix(HIRES)
    table = read_table(FieldsTable, {name: value} if part == name else {"hires": {part: value}})
    if isinstance(table, tuple):
        raise ConfigError(table[0].what, remedy="Every place on an axis must be a value its field can take.")
    return getattr(table if table.hires is None else table.hires, part)


def axis_of(table: Mapping[str, object], same: Same = same_spelling) -> Axis:
    """Return the axis of one table of `[axes]`.

    Raises:
        ConfigError: It is no axis.
    """
    checked = read_table(AxisTable, table, strict=False)
    if isinstance(checked, tuple):
        raise ConfigError(checked[0].what, remedy=f"Every key is in {page('prompt-files')}.")
    return checked.axis(same)


class AxesTable(StrictTable):
    """What varies along the columns and rows of the sheet."""

    columns: AxisTable | None = None
    rows: AxisTable | None = None


class Head(StrictTable):
    """Everything but the jobs: a fault here concerns the whole file."""

    title: str = ""
    defaults: FieldsTable = FieldsTable()
    axes: AxesTable = AxesTable()


def read_toml(text: str, where: str, *, same: Same = same_spelling) -> ParsedFile:
    """Read a TOML prompt file; a job that is wrong is left out and told.

    Args:
        text: The file's text.
        where: Its name in errors.
        same: Tells whether two names are one adapter's.

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
    refuse_too_many(len(jobs))
    varied = any(axis is not None and axis.prompt is not None for axis in (head.axes.columns, head.axes.rows))
    reader = EntryReader(head.defaults, varied=varied)
    entries, problems = _read_jobs(text, jobs, reader)
    return ParsedFile(
        entries=entries,
        problems=problems,
        columns=_axis(text, where, "columns", head.axes.columns, same),
        rows=_axis(text, where, "rows", head.axes.rows, same),
        title=head.title,
        files=reader.names_files,
    )


def _load(text: str, where: str) -> dict[str, object]:
    table = load_toml(text)
    if not isinstance(table, BadToml):
        return table
    if table.line == 0:
        raise ConfigError(table.what, where=where, remedy="Use tables of one level, and numbers of a few digits.")
    lines = text.split("\n")
    line, column = table.line or len(lines), table.column or len(lines[-1]) + 1
    raise _at(where, Problem(line=line, column=column, text=lines[line - 1], what=table.what))


def _read_jobs(
    text: str, jobs: Sequence[object], reader: EntryReader
) -> tuple[tuple[PromptEntry, ...], tuple[Problem, ...]]:
    """Read the jobs; those without a prompt are problems unless defaults or an axis give one."""
    entries: list[PromptEntry] = []
    faults: list[Fault] = []
    starts = table_lines(text, "jobs")
    starts += [1] * (len(jobs) - len(starts))
    for number, (table, line) in enumerate(zip(jobs, starts, strict=False)):
        entry = reader.read(table, line, hints=len(faults) < HINTED)
        if isinstance(entry, PromptEntry):
            entries.append(entry)
        else:
            faults += [Fault(key=("jobs", number, *fault.key), what=fault.what) for fault in entry]
    return tuple(entries), _placed(text, faults)


def _axis(text: str, where: str, side: str, table: AxisTable | None, same: Same) -> Axis | None:
    try:
        return None if table is None else table.axis(same)
    except ConfigError as error:
        raise _refusal(text, where, Fault(key=("axes", side), what=str(error))) from error


def _refusal(text: str, where: str, fault: Fault) -> ConfigError:
    return _at(where, _placed(text, [fault])[0])


def _at(where: str, problem: Problem) -> ConfigError:
    error = ConfigError(
        problem.what,
        where=f"{where}:{problem.line}:{problem.column}",
        remedy=f"Every key is in {page('prompt-files')}.",
    )
    error.add_note(str(problem))
    return error


def _placed(text: str, faults: Sequence[Fault]) -> tuple[Problem, ...]:
    """Place faults: the line each key stands on, and its column there."""
    if not faults:
        return ()
    lines = text.split("\n")
    places = lines_of(text, [fault.key for fault in faults])
    return tuple(
        Problem(line=line, column=_column(lines[line - 1], fault), text=lines[line - 1], what=fault.what)
        for fault, line in zip(faults, places, strict=True)
    )


def _column(line: str, fault: Fault) -> int:
    names = [part for part in fault.key if isinstance(part, str) and part != "jobs"]
    return next((line.find(name) + 1 for name in reversed(names) if name in line), 1)


def _numbers(given: str | Sequence[float]) -> tuple[float, ...]:
    if isinstance(given, str):
        return numbers(given)
    try:
        return tuple(map(float, given))
    except OverflowError as error:
        raise ConfigError("a number is too large", remedy="Write one of a few digits.") from error


def _whole_numbers(given: str | Sequence[float]) -> tuple[float, ...]:
    """Return whole numbers as they are; a list's other values too, for the field to refuse."""
    if isinstance(given, str):
        return whole_numbers(given)
    return tuple(int(value) if value == int(value) else value for value in given)
