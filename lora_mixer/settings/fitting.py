"""Which settings do something for models of a base family; what does nothing is refused where it is set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeVar, cast

from lora_mixer.errors import RequestError
from lora_mixer.families import Family, find_family
from lora_mixer.settings.making import Asked
from lora_mixer.settings.setting import Setting, Table

AnyAsked = TypeVar("AnyAsked", bound=Asked)


def refuse_unfit(asked: Asked, family: Family) -> None:
    """Refuse a setting that does nothing for models of a family, unless it says what holds there anyway.

    Raises:
        RequestError: One is set; `where` is its name.
    """
    for row in set_without_effect(asked, family):
        raise unfit(row, family, where=row.name)


def set_without_effect(asked: Asked, family: Family) -> Iterator[Setting]:
    """Yield the settings that a request sets and a family does not know, those of a second pass among them."""
    for row in asked.table:
        value = getattr(asked, row.name, None)
        if isinstance(value, Asked):
            yield from set_without_effect(value, family)
        elif not row.applies_to(family.name) and value not in (None, (), row.default):
            yield row


def unfit(row: Setting, family: Family, *, where: str) -> RequestError:
    """Return the error for a setting that a family does not know."""
    models = " and ".join(find_family(name).title for name in sorted(row.families or ()))
    return RequestError(
        f"{row.words} does nothing for models of {family.title}",
        where=where,
        remedy=f"Leave it out, or use a model of {models}.",
    )


def fitted(filled: AnyAsked, family: Family) -> AnyAsked:
    """Return a request without the defaults that its family does not know; they are meant for other models."""
    left = dict.fromkeys(row.name for row in unknown_to(family, filled.table) if row.filled)
    return cast("AnyAsked", replace(cast("Any", filled), **left)) if left else filled


def unknown_to(family: Family, table: Table) -> tuple[Setting, ...]:
    """Return the settings of a table that do nothing for a family."""
    return tuple(row for row in table if not row.applies_to(family.name))
