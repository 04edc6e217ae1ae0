"""What single value a setting takes: a whole number, a number, a text, a name of a table.

Each kind checks a value, words what it expects, and reads and writes it as text. Whether a value has the right Python
type is `fieldtypes`' matter; a kind adds the range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from lora_mixer.errors import RequestError
from lora_mixer.fieldtypes import FIELD_TYPES, wrong_type

LONGEST_NUMBER = 40
"""Characters of a number that is read from a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueKind:
    """What values a setting takes; the classes below say it, and those of `structured_kinds`."""

    annotation: ClassVar[str] = "str"
    """The Python type of a value, as annotations spell it."""
    plain: ClassVar[frozenset[type]] = frozenset({str})
    """The types of values that are kept as they are."""

    def normalise(self, owner: str, name: str, value: object) -> object:
        """Return a value of another type as a request keeps it.

        Args:
            owner: The class of the request.
            name: The setting.
            value: What was given.

        Raises:
            RequestError: It is none this kind takes, whatever the range.
        """
        type_ = FIELD_TYPES[self.annotation]
        if not type_.accepts(value):
            raise wrong_type(owner, name, value, type_.name, f"{name}={type_.example}")
        return type_.plain(value)

    def settled(self, value: Any) -> Any:  # noqa: ANN401 whatever the kind takes
        """Return a value as records have it."""
        return value

    @property
    def expected(self) -> str:
        """What a value must be, as the end of a sentence: `a whole number from 1 to 1000`."""
        return "text"

    @property
    def range(self) -> str:
        """The values in short, for tables and `--help`: `1 to 1000`."""
        return self.expected

    def check(self, what: str, value: object) -> None:
        """Refuse a value out of range; `what` is what an error calls the setting.

        Raises:
            RequestError: The value is impossible; what is possible is in the text.
        """

    def read(self, text: str) -> object | None:
        """Return the value a stranger's text stands for, or None if it is none this kind takes."""
        return text or None

    def write(self, value: object) -> str:
        """Return a value as text, such that `read` gives it back."""
        return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole(ValueKind):
    """A whole number.

    Attributes:
        low: The least.
        high: The greatest.
        open: A lower value that stands for leaving it open (seed -1, hires steps 0).
        multiple_of: What it must be a multiple of.
        unit: What is counted, where the name does not say it.
    """

    annotation: ClassVar[str] = "int"
    plain: ClassVar[frozenset[type]] = frozenset({int})
    low: int
    high: int
    open: int | None = None
    multiple_of: int = 1
    unit: str = ""

    @property
    def expected(self) -> str:
        """See `ValueKind`."""
        if self.multiple_of > 1:
            return f"a multiple of {self.multiple_of} from {self.low} to {self.high}{self._unit}"
        return f"a whole number from {self.low} to {self.high}{self._unit}"

    @property
    def range(self) -> str:
        """See `ValueKind`."""
        steps = f", a multiple of {self.multiple_of}" if self.multiple_of > 1 else ""
        low = self.low if self.open is None else self.open
        return f"{low} to {self.high}{self._unit}{steps}"

    @property
    def _unit(self) -> str:
        return f" {self.unit}" if self.unit else ""

    def check(self, what: str, value: object) -> None:
        """See `ValueKind`."""
        if not isinstance(value, int):
            raise RequestError(f"{what} {value!r} is not a whole number", remedy=_between(self.low, self.high))
        _within(what, value, self.low, self.high)
        if value % self.multiple_of:
            below = value // self.multiple_of * self.multiple_of
            raise RequestError(
                f"{what} {value} is not a multiple of {self.multiple_of}",
                remedy=f"Use {below or self.multiple_of} or {below + self.multiple_of}.",
            )

    def read(self, text: str) -> int | None:
        """See `ValueKind`."""
        try:
            value = int(text) if len(text) <= LONGEST_NUMBER else None
        except ValueError:
            return None
        least = self.low if self.open is None else min(self.low, self.open)
        return value if value is not None and least <= value <= self.high else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Real(ValueKind):
    """A number.

    Attributes:
        low: The least.
        high: The greatest.
        above: Whether a request must be above the least.
    """

    annotation: ClassVar[str] = "float"
    plain: ClassVar[frozenset[type]] = frozenset({float, int})
    low: float
    high: float
    above: bool = False

    @property
    def expected(self) -> str:
        """See `ValueKind`."""
        return f"a number {self.range}" if self.above else f"a number from {self.range}"

    @property
    def range(self) -> str:
        """See `ValueKind`."""
        return f"above {self.low:g} and up to {self.high:g}" if self.above else f"{self.low:g} to {self.high:g}"

    def check(self, what: str, value: object) -> None:
        """See `ValueKind`; the least is taken, since pictures of earlier versions have it."""
        if not isinstance(value, (int, float)):
            raise RequestError(f"{what} {value!r} is not a number", remedy=_between(self.low, self.high))
        _within(what, value, self.low, self.high)

    def read(self, text: str) -> float | None:
        """See `ValueKind`."""
        try:
            value = float(text) if len(text) <= LONGEST_NUMBER else None
        except ValueError:
            return None
        return value if value is not None and self.low <= value <= self.high else None

    def write(self, value: object) -> str:
        """See `ValueKind`; six digits, as A1111 writes them."""
        return f"{value:g}" if isinstance(value, (int, float)) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextValue(ValueKind):
    """A text.

    Attributes:
        longest: The most characters it may have; None sets no limit.
        holds: What it holds, where that is not just text: `a name in models.toml`.
    """

    longest: int | None = None
    holds: str = "text"

    @property
    def expected(self) -> str:
        """See `ValueKind`."""
        return self.holds

    def check(self, what: str, value: object) -> None:
        """See `ValueKind`."""
        if not isinstance(value, str):
            raise RequestError(f"the {what} is {type(value).__name__}, not text", remedy="Give it as a string.")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise RequestError(
                f"the {what} holds half a character at {error.start}",
                remedy="Write it again; it was cut or decoded wrongly.",
            ) from error
        if self.longest is not None and len(value) > self.longest:
            raise RequestError(
                f"the {what} has {len(value):,} characters",
                remedy=f"{self.longest:,} are the most that are rendered; was a whole file pasted?",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TableName(ValueKind):
    """A name of a table in `choices`; people may spell it their way.

    Attributes:
        what: What it is a name of.
        names: The table's names.
        find: Looks a name up; raises RequestError with the nearest name.
        canonical: Whether the table's own spelling takes the place of what was written.
        also: Names that mean one of these.
        free: Whether what is found may say more than a name, such as `ties:density=0.3`.
        beyond: What else is a name, beside the table's: `a file in an upscalers folder`.
    """

    what: str
    names: tuple[str, ...]
    find: Callable[[str], object]
    canonical: bool = False
    also: tuple[str, ...] = ()
    free: bool = False
    beyond: str = ""

    def settled(self, value: Any) -> Any:  # noqa: ANN401 a name
        """See `ValueKind`; the table's own spelling, where that is what counts."""
        return self.find(value) if self.canonical and value is not None else value

    @property
    def few(self) -> bool:
        """Whether its names are so few that a sentence can have them all."""
        return len(self.names) <= FEW and not self.beyond

    @property
    def expected(self) -> str:
        """See `ValueKind`; long tables are not written out."""
        return self.range if self.few else f"{self._article} {self.what}, like {self.names[0]}"

    @property
    def _article(self) -> str:
        return "an" if self.what[0] in "aeiou" else "a"

    @property
    def _or_beyond(self) -> str:
        return f", or {self.beyond}" if self.beyond else ""

    @property
    def range(self) -> str:
        """See `ValueKind`."""
        return one_of([*self.names, *self.also]) if self.few else f"{self._article} {self.what}'s name{self._or_beyond}"

    def read(self, text: str) -> str | None:
        """See `ValueKind`."""
        try:
            found = self.find(text)
        except RequestError:
            return None
        return found if isinstance(found, str) else text


FEW = 6
"""Names that are still written out in a sentence."""


def one_of(names: Iterable[str]) -> str:
    """Return names as a sentence has them.

    >>> one_of(["cpu", "nv", "gpu"])
    'cpu, nv or gpu'
    """
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _between(low: float, high: float) -> str:
    return f"Use a value from {low} to {high}."


def _within(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise RequestError(f"{what} {value} is out of range", remedy=_between(low, high))
