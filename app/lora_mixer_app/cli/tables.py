"""Options of a command as tables: a dataclass whose fields are options, shared by several commands and read by typer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields
from functools import wraps
from typing import Annotated, Any, get_args, get_type_hints

import typer

from lora_mixer.settings import Setting, Table
from lora_mixer.settings.kinds import Real, TableName, Whole

HIGHEST_SAID = 10_000
"""Ranges above this are not shown in `--help`."""


@dataclass(frozen=True, slots=True)
class OptionsOf:
    """Marks a field of a table of options: a mapping with one option for each setting that has one."""

    settings: Table

    def rows(self) -> list[Setting]:
        """Return the settings that have an option of their own."""
        return [row for row in self.settings if row.flag is not None]


def with_tables(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command whose parameters of a dataclass are replaced by that class's fields, each an option.

    Args:
        command: A function; parameters that are no dataclass stay as they are.
    """
    hints = get_type_hints(command, include_extras=True)
    tables = {
        name: kind for name, kind in hints.items() if isinstance(kind, type) and hasattr(kind, "__dataclass_fields__")
    }
    own = [
        parameter.replace(annotation=hints[name])
        for name, parameter in inspect.signature(command).parameters.items()
        if name not in tables
    ]
    options = [option for table in tables.values() for option in _options(table)]

    @wraps(command)
    def run(**given: Any) -> None:  # noqa: ANN401 typer has checked each by its option
        command(**{name: _filled(table, given) for name, table in tables.items()} | given)

    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*own, *options)]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def help_of(row: Setting) -> str:
    """Return what `--help` says of a setting: what it is, and its values where they are few.

    >>> from lora_mixer.settings import PICTURE
    >>> help_of(PICTURE["steps"])
    'Sampling steps (1 to 1000).'
    """
    kind = row.kind
    short = isinstance(kind, Real) or (isinstance(kind, Whole) and kind.high <= HIGHEST_SAID)
    if short or (isinstance(kind, TableName) and kind.few):
        return f"{row.help.removesuffix('.')} ({kind.range})."
    return row.help


def _options(table: type) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(table, include_extras=True)
    for field in fields(table):
        settings = _settings_of(hints[field.name])
        if settings is not None:
            for row in settings.rows():
                annotation: Any = Annotated[_python_type(row) | None, typer.Option(row.flag, help=help_of(row))]
                yield _parameter(row.name, None, annotation)
        else:
            default = inspect.Parameter.empty if field.default is MISSING else field.default
            yield _parameter(field.name, default, hints[field.name])


def _filled(table: type, given: dict[str, Any]) -> object:
    """Return a table of options, taking what is its own out of what was given."""
    hints = get_type_hints(table, include_extras=True)
    values = {}
    for field in fields(table):
        settings = _settings_of(hints[field.name])
        if settings is None:
            values[field.name] = given.pop(field.name)
        else:
            values[field.name] = {row.name: given.pop(row.name) for row in settings.rows()}
    return table(**values)


def _settings_of(annotation: object) -> OptionsOf | None:
    return next((mark for mark in get_args(annotation)[1:] if isinstance(mark, OptionsOf)), None)


def _python_type(row: Setting) -> type:
    return {Whole: int, Real: float}.get(type(row.kind), str)


def _parameter(name: str, default: object, annotation: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
