"""Type checks of what people write in Python: each field of a request takes what its annotation says.

A wrong type is refused where it is written, not twenty calls later: `RenderRequest(seed="7")` names `seed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, dataclass, fields
from functools import cache
from numbers import Integral, Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lora_mixer.errors import RequestError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldType:
    """What one annotation takes.

    Attributes:
        name: What the form is called in an error.
        example: A value of this form.
        accepts: Whether a value has it.
        plain: The same value as one of Python's own types; NumPy's numbers have them, too.
    """

    name: str
    example: str
    accepts: Callable[[object], bool]
    plain: Callable[[Any], object]


FIELD_TYPES: Mapping[str, FieldType] = MappingProxyType(
    {
        "str": FieldType(name="text", example='"cat"', accepts=lambda value: isinstance(value, str), plain=str),
        "int": FieldType(
            name="a whole number",
            example="7",
            accepts=lambda value: isinstance(value, Integral) and not isinstance(value, bool),
            plain=int,
        ),
        "float": FieldType(
            name="a number",
            example="0.8",
            accepts=lambda value: isinstance(value, Real) and not isinstance(value, bool),
            plain=lambda value: value if isinstance(value, (int, float)) else float(value),
        ),
        "bool": FieldType(
            name="True or False", example="True", accepts=lambda value: isinstance(value, bool), plain=bool
        ),
    }
)
"""Annotation to form. `X | None` takes None as well; a field with another annotation is its class's own matter."""


def check_fields(owner: DataclassInstance) -> None:
    """Refuse fields of a frozen dataclass whose values are not what their annotations say.

    >>> check_fields(FieldType(name="x", example=1, accepts=callable, plain=str))
    Traceback (most recent call last):
    ...
    lora_mixer.errors.RequestError: FieldType: example is 1, not text. Write for example example="cat".

    Raises:
        RequestError: A value has another type; the field and the form are in the text.
    """
    for name, form, optional in _checked(type(owner)):
        value = getattr(owner, name)
        if optional and value is None:
            continue
        if not form.accepts(value):
            raise wrong_type(type(owner).__name__, name, value, form.name, f"{name}={form.example}")
        if type(value) not in (str, int, float, bool):
            object.__setattr__(owner, name, form.plain(value))


@cache
def _checked(owner: type[DataclassInstance]) -> tuple[tuple[str, FieldType, bool], ...]:
    """Return the fields of a class that have a form, and whether each may be None."""
    kinds = ((field.name, *_kind(field)) for field in fields(owner))
    return tuple((name, FIELD_TYPES[kind], optional) for name, kind, optional in kinds if kind in FIELD_TYPES)


def wrong_type(owner: str, field: str, value: object, form: str, example: str) -> RequestError:
    """Return the error for a value that has not the form its field takes."""
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return RequestError(f"{field} is {shown}, not {form}", where=owner, remedy=f"Write for example {example}.")


def listed(given: object) -> tuple[Any, ...]:
    """Return a list's items; None alone for what is no list, which every check refuses."""
    return tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (None,)


def _kind(field: Field[Any]) -> tuple[str, bool]:
    kind = str(field.type)
    return kind.removesuffix(" | None"), kind.endswith(" | None")
