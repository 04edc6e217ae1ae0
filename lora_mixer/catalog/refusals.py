"""Describe errors in models.toml: line, key, what was expected, and the nearest key for a typo."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lora_mixer.catalog.nearest import did_you_mean
from lora_mixer.catalog.schema import DefaultsTable, FoldersTable, ModelsTable, ModelTable
from lora_mixer.catalog.toml_lines import line_of
from lora_mixer.errors import ConfigError

_SHOWN = 60


def refusal(error: ValidationError, text: str, path: Path) -> ConfigError:
    """Return the error for the first mistake in a models.toml, a mistyped key before what it left missing."""
    problems = sorted(error.errors(include_url=False), key=lambda problem: problem["type"] != "extra_forbidden")
    location = tuple(part for part in problems[0]["loc"] if part != "[key]")
    what, remedy = _wording(problems[0], location)
    others = len(problems) - 1
    more = f" (and {others} more {'mistake' if others == 1 else 'mistakes'})" if others else ""
    key = ".".join(str(part) for part in location)
    return ConfigError(what + more, where=f"{path}, line {line_of(text, location)}, key {key}", remedy=remedy)


def _wording(problem: ErrorDetails, location: tuple[str | int, ...]) -> tuple[str, str]:
    name = str(location[-1])
    if problem["type"] == "extra_forbidden":
        fields = _table_at(location[:-1]).model_fields
        return f"the key {name!r} is not known here", did_you_mean(
            name, fields, otherwise=f"Known: {', '.join(fields)}."
        )
    expected = f"Expected {_expected(location)}."
    if problem["type"] == "missing":
        return f"the key {name!r} is missing", expected
    if problem["type"] == "value_error":
        what, _, hint = str(problem["ctx"]["error"]).partition(". ")
        return what, f"{hint} {expected}".strip()
    value = repr(problem["input"])
    return f"{value if len(value) <= _SHOWN else value[:_SHOWN] + '...'} does not fit", expected


def _expected(location: tuple[str | int, ...]) -> str:
    """Return what the innermost field on the way to a value says about itself."""
    lengths = range(len(location), 0, -1)
    fields = (_table_at(location[: n - 1]).model_fields.get(str(location[n - 1])) for n in lengths)
    return next(field.description for field in fields if field is not None and field.description is not None)


def _table_at(location: tuple[str | int, ...]) -> type[BaseModel]:
    """Return the schema of the table at a path."""
    match location:
        case ("models", _, "defaults") | ("defaults",):
            return DefaultsTable
        case ("models", _):
            return ModelTable
        case ("folders",):
            return FoldersTable
        case _:
            return ModelsTable
