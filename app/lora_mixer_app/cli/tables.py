"""Options of a command as tables: a dataclass whose fields are options, shared by several commands and read by typer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import wraps
from typing import Any, get_type_hints


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
        filled = {name: table(**{f.name: given.pop(f.name) for f in fields(table)}) for name, table in tables.items()}
        command(**given, **filled)

    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*own, *options)]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _options(table: type) -> list[inspect.Parameter]:
    hints = get_type_hints(table, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(table)
    ]
