"""Settings as fields of pydantic tables, each with its whole check in its annotation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AliasChoices, BaseModel, Field, create_model

from lora_mixer.errors import RequestError
from lora_mixer.inputs import InputPicture
from lora_mixer.settings.kinds import Real, TableName, Whole
from lora_mixer.settings.setting import Setting
from lora_mixer.settings.structured_kinds import PictureValue

Model = TypeVar("Model", bound=BaseModel)
Finite = Annotated[float, Field(allow_inf_nan=False)]


def with_fields(fields: dict[str, tuple[Any, Any]]) -> Callable[[type[Model]], type[Model]]:
    """Return a decorator that adds fields to a table; those the class names itself stay as they are.

    Args:
        fields: Annotation and default by name.
    """

    def decorate(table: type[Model]) -> type[Model]:
        more: dict[str, Any] = {name: field for name, field in fields.items() if name not in table.model_fields}
        made = create_model(table.__name__, __base__=table, __module__=table.__module__, **more)
        made.__doc__ = table.__doc__
        return made

    return decorate


def fields_of(rows: Iterable[Setting]) -> dict[str, tuple[Any, Any]]:
    """Return the fields of settings that are one number, text or name: each may be left out."""
    return {
        row.name: (annotation_of(row) | None, Field(default=None, description=row.kind.expected))
        for row in rows
        if row.scalar
    }


def axis_fields_of(rows: Iterable[Setting], prefix: str = "") -> dict[str, tuple[Any, Any]]:
    """Return the fields of an axis: what may vary, by its name or its plural, as a list or a range of numbers."""
    return {
        prefix + row.name: (_places(row) | None, Field(default=None, validation_alias=_names(row, prefix)))
        for row in rows
        if row.axis and row.scalar
    }


def annotation_of(row: Setting) -> Any:  # noqa: ANN401 an annotation
    """Return what pydantic checks a value with: its type, its range, or whether there is such a name."""
    kind = row.kind
    if isinstance(kind, Whole):
        low = kind.low if kind.open is None else min(kind.low, kind.open)
        multiple: dict[str, Any] = {} if kind.multiple_of == 1 else {"multiple_of": kind.multiple_of}
        return Annotated[int, Field(ge=low, le=kind.high, **multiple)]
    if isinstance(kind, Real):
        low_end: dict[str, Any] = {"gt" if kind.above else "ge": kind.low}
        return Annotated[float, Field(allow_inf_nan=False, le=kind.high, **low_end)]
    if isinstance(kind, PictureValue):
        return Annotated[str, Field(min_length=1), AfterValidator(InputPicture.of)]
    return Annotated[str, AfterValidator(known(kind.find))] if isinstance(kind, TableName) else Annotated[str, Field()]


def known(find: Callable[[str], object]) -> Callable[[str], str]:
    """Return the check that there is such a name; the nearest one is in the error."""

    def check(name: str) -> str:
        try:
            find(name)
        except RequestError as error:
            raise ValueError(str(error)) from error
        return name

    return check


def _places(row: Setting) -> Any:  # noqa: ANN401 an annotation
    if isinstance(row.kind, (Whole, Real)):
        return str | list[int | Finite]
    return Annotated[list[str], Field(min_length=1)]


def _names(row: Setting, prefix: str) -> AliasChoices:
    return AliasChoices(prefix + row.name, *([prefix + row.plural] if row.plural else []))
