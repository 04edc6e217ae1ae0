"""Classes made from a table of settings: what is asked for (gaps allowed), and the same with every gap filled.

The rows' checks are looked up once, when a class is made, not for every request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, field, make_dataclass, replace
from difflib import get_close_matches
from functools import partial, wraps
from types import NoneType
from typing import Any, ClassVar, Self, cast

from lora_mixer.errors import RequestError
from lora_mixer.fieldtypes import wrong_type
from lora_mixer.mixes import Mix
from lora_mixer.settings.kinds import ValueKind
from lora_mixer.settings.setting import Setting, Since, Table
from lora_mixer.settings.structured_kinds import NestedTable

Normalise = Callable[[Any], object]
"""Returns a value as its field keeps it, or raises RequestError."""


_NOTHING = ()


class Asked:
    """Something asked for: every setting but the prompt may be left open (None)."""

    __slots__ = ()
    table: ClassVar[Table]
    checks: ClassVar[tuple[tuple[str, frozenset[type], Normalise], ...]] = ()
    """Field, the types that need no further look, and the check of all others."""

    def __post_init__(self) -> None:
        """Refuse values of the wrong type; take lists and tables where tuples are meant, and a mix with its method."""
        mix = getattr(self, "loras", None)
        if isinstance(mix, Mix) and getattr(self, "method", None) is None:
            object.__setattr__(self, "method", mix.method)
        for name, plain, normalise in self.checks:
            given = getattr(self, name)
            if type(given) not in plain and given is not _NOTHING:
                object.__setattr__(self, name, normalise(given))

    def over(self, defaults: Self | None) -> Self:
        """Return the same with its gaps filled from `defaults`; a prompt and lists are never filled.

        Where two settings say the same thing in different ways, one that is said here keeps out the other's default.
        """
        if defaults is None:
            return self
        rows = [row for row in self.table if row.filled]
        gaps = {row.name: getattr(defaults, row.name) for row in rows if getattr(self, row.name) is None}
        for row in rows:
            if row.name not in gaps:
                for other in row.instead_of:
                    gaps.pop(other, None)
        return cast("Self", replace(cast("Any", self), **gaps))


class Filled:
    """The same with every gap filled: what is rendered, and what a record says. Only optional settings may be None."""

    __slots__ = ()
    table: ClassVar[Table]
    asked: ClassVar[type[Any]]
    checks: ClassVar[tuple[tuple[str, bool, Callable[[Any], None]], ...]] = ()
    """Field, whether it may be None, and its check."""
    together: ClassVar[tuple[Callable[[Any], None], ...]] = ()

    def __post_init__(self) -> None:
        """Refuse impossible values, each with what is possible."""
        for name, optional, check in self.checks:
            value = getattr(self, name)
            if value is not None or not optional:
                check(value)
        for check_all in self.together:
            check_all(self)

    def request(self) -> Any:  # noqa: ANN401 the class of the table's requests
        """Return the request that asks for exactly this; what is used up on the way (styles, preset) is done."""
        rows = [row for row in self.table if not row.asked_only]
        values = {row.name: getattr(self, row.name) for row in rows}
        for row in rows:
            if values[row.name] is not None:
                values |= dict.fromkeys(row.instead_of)
        return self.asked(
            **{name: value.request() if isinstance(value, Filled) else value for name, value in values.items()}
        )


def asked_class(
    name: str, table: Table, *, module: str, doc: str, parts: Mapping[str, type[Asked]] | None = None
) -> type[Any]:
    """Return the class of what is asked for.

    Args:
        name: What it is called.
        table: Its settings; the first may be given without its name.
        module: The module it lies in.
        doc: The first sentence of its docstring.
        parts: The classes of settings that are tables themselves, by the name of the setting.
    """
    checks = tuple(_check_of_asked(name, row, parts or {}) for row in table)
    made = make_dataclass(
        name,
        [(row.name, annotation_of_asked(row), _default_of_asked(row, table)) for row in table],
        bases=(Asked,),
        namespace={"__module__": module, "__doc__": docstring(doc, table.rows), "table": table, "checks": checks},
        frozen=True,
        slots=True,
    )
    _word_calls(made)
    return made


def filled_class(
    name: str,
    table: Table,
    *,
    module: str,
    doc: str,
    asked: type[Any],
    together: tuple[Callable[[Any], None], ...] = (),
) -> type[Any]:
    """Return the class of what is rendered.

    Args:
        name: What it is called.
        table: Its settings.
        module: The module it lies in.
        doc: The first sentence of its docstring.
        asked: The class of the request that asks for it.
        together: Checks of several settings at once.
    """
    rows = [row for row in table if not row.asked_only]
    return make_dataclass(
        name,
        [(row.name, annotation_of_filled(row), _default_field(default_of_filled(row))) for row in rows],
        bases=(Filled,),
        namespace={
            "__module__": module,
            "__doc__": docstring(doc, rows),
            "table": table,
            "asked": asked,
            "checks": tuple(
                _check_of_filled(table.prefix, row) for row in rows if type(row.kind).check is not ValueKind.check
            ),
            "together": together,
        },
        frozen=True,
        slots=True,
        kw_only=True,
    )


def annotation_of_asked(row: Setting) -> str:
    """Return the Python type of a setting in a request."""
    base = row.kind.annotation_asked if isinstance(row.kind, NestedTable) else row.kind.annotation
    return f"{base} | None" if _may_be_open(row) else base


def annotation_of_filled(row: Setting) -> str:
    """Return the Python type of a setting in a filled-in request."""
    base = row.kind.annotation_filled if isinstance(row.kind, NestedTable) else row.kind.annotation
    return f"{base} | None" if row.optional else base


def default_of_asked(row: Setting) -> object:
    """Return what a request has that does not say a setting; MISSING if it must."""
    if _may_be_open(row):
        return None
    return MISSING if row.default is None else row.default


def default_of_filled(row: Setting) -> object:
    """Return what a filled-in request means that does not say a setting; MISSING if every record says it."""
    if row.since is Since.RECORDS or (row.default is None and not row.optional):
        return MISSING
    return None if row.optional else row.default


def docstring(doc: str, rows: Sequence[Setting]) -> str:
    """Return the docstring of a class with these settings."""
    return "\n".join([doc, "", "Attributes:", *(f"    {row.name}: {row.explained}" for row in rows)])


def filled(asked: Asked, **found: Any) -> dict[str, Any]:  # noqa: ANN401 values of settings
    """Return the values of what is asked for with every gap filled from the table's defaults.

    Args:
        asked: What is asked for.
        found: Values that were found out otherwise, such as a seed that was drawn; they stand as they are.
    """
    values = {}
    for row in asked.table:
        if not row.asked_only and row.name not in found:
            given = getattr(asked, row.name)
            open_ = given is None or (given == "" and row.filled)  # an empty prompt is a prompt
            values[row.name] = row.kind.settled(row.default if open_ else given)
    return values | found


def unknown_field(owner: str, name: str, table: Table) -> RequestError:
    """Return the error for a setting there is none of: what it is called here, or the nearest."""
    meant = " or ".join(row.name for row in table if name in row.elsewhere)
    meant = meant or next(iter(get_close_matches(name, table.names, n=1)), "")
    remedy = f"{meant} is what it is called here." if meant else f"Fields are {', '.join(table.names)}."
    return RequestError(f"there is no field {name}", where=owner, remedy=remedy)


def _may_be_open(row: Setting) -> bool:
    """Tell whether a request may leave a setting open; a prompt and lists always say something."""
    return row.filled


def _default_of_asked(row: Setting, table: Table) -> Any:  # noqa: ANN401 what makes a dataclass's field
    return _default_field(default_of_asked(row), kw_only=row is not table.rows[0])


def _default_field(default: object, *, kw_only: bool = True) -> Any:  # noqa: ANN401 what makes a dataclass's field
    return field(kw_only=kw_only) if default is MISSING else field(default=default, kw_only=kw_only)


def _word_calls(made: type[Any]) -> None:
    """Make wrong calls of a class errors of ours: an unknown field, several values without names, no prompt."""
    made_init = made.__init__

    @wraps(made_init)
    def init(self: object, *values: object, **fields: object) -> None:
        try:
            made_init(self, *values, **fields)
        except TypeError as error:
            worded = _worded(made.__name__, made.table, values, fields)
            raise worded or error from error

    made.__init__ = init


def _worded(owner: str, table: Table, values: Sequence[object], fields: Mapping[str, object]) -> RequestError | None:
    first, *others = table.names
    unknown = next((name for name in fields if name not in table), None)
    if unknown is not None:
        return unknown_field(owner, unknown, table)
    if len(values) > 1:
        return RequestError(
            f"only {first} can be given without its name", where=owner, remedy=f"Name the others: {others[0]}=..."
        )
    if values and first in fields:
        return RequestError(f"{first} is given twice", where=owner, remedy="Give it once.")
    if not values and first not in fields and default_of_asked(table[first]) is MISSING:
        return RequestError(f"there is no {first}", where=owner, remedy=f'Write {owner}("cat").')
    return None


def _check_of_asked(
    owner: str, row: Setting, parts: Mapping[str, type[Asked]]
) -> tuple[str, frozenset[type], Normalise]:
    """Return a field, the types that need no further look, and the check of all others."""
    kind, name = row.kind, row.name
    open_types = {NoneType} if _may_be_open(row) else set()
    if isinstance(kind, NestedTable):
        return name, frozenset(open_types | {parts[name]}), _part_check(owner, name, kind)
    return name, kind.plain | open_types, partial(kind.normalise, owner, name)


def _part_check(owner: str, name: str, kind: NestedTable) -> Normalise:
    def refuse(value: object) -> object:
        raise wrong_type(owner, name, value, kind.holds, kind.example)

    return refuse


def _check_of_filled(prefix: str, row: Setting) -> tuple[str, bool, Callable[[Any], None]]:
    return row.name, row.optional, partial(row.kind.check, prefix + row.words)
