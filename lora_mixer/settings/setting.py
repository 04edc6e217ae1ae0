"""One row of the table of settings, and the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from enum import IntEnum
from typing import Any

from lora_mixer.settings.kinds import Real, TableName, TextValue, ValueKind, Whole
from lora_mixer.settings.structured_kinds import NestedTable, PictureValue

MADE = ""
"""Stands for a name that is made from the setting's own."""


class Since(IntEnum):
    """Since when a setting has been there. Records and ledgers of before do not have it, and stay valid."""

    RECORDS = 1
    """Every record states it."""
    LEDGERS = 2
    """Every ledger's digests are made with it; a record that lacks it means the default."""
    LATER = 3
    """Younger: left out of digests where it says what held before it was there, its default."""


@dataclass(frozen=True, slots=True)
class PageControl:
    """How the page shows a setting.

    Attributes:
        english: Its label.
        chinese: Its label in Chinese.
        place: Where. `prompts`, `main` and `more` are what the desk lays out one by one; `mix` beside the strips,
            `advanced`, `second` for the second pass, `start` for an input picture and `mask` for its mask take any row.
        shows: What it shows where a request leaves the setting open; None takes the default.
        leaves_open: Whether that value leaves the setting open, rather than setting it.
        low: The least a slider or number takes; None takes the setting's own.
        high: The greatest; None takes the setting's own.
        step: The step of a slider or number; None makes a number without steps.
        slider: Whether a number is a slider.
        first: Whether "as the first pass" can be chosen.
        width: The least width in pixels.
    """

    english: str
    chinese: str
    place: str = "advanced"
    _: KW_ONLY
    shows: Any = None
    leaves_open: bool = False
    low: float | None = None
    high: float | None = None
    step: float | None = None
    slider: bool = False
    first: bool = False
    width: int = 170


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting of a picture: everything that is said about it anywhere.

    Attributes:
        name: The field of `RenderRequest` (or `Hires`), and the key in prompt files.
        kind: The values it takes.
        help: What it is, in one sentence.
        source: The paper or format that defines it.
        spoken: What a sentence calls it, where that is not its name with spaces.
        default: What a request that leaves it open comes to; None where the model, or nothing, says that.
        by_model: Whether the open model may say another default.
        optional: Whether a filled-in request may leave it open.
        asked_only: Whether it is used up on the way: a filled-in request and a record do not have it.
        filled: Whether defaults fill it; lists are joined, and a prompt has none.
        instead_of: Settings that say the same thing in another way; a default of theirs does not count beside it.
        infotext: A1111's key for it.
        infotext_too: Other keys that are read for it.
        infotext_always: Whether it is written even if it has the default, or the first pass's value.
        infotext_as: How its text is spelt there.
        option: The command line's option; `MADE` is `--name-with-dashes`, None is none of its own.
        line_key: Its key in lines of prompts (A1111's `--key value`); `MADE` is its name.
        http: Its name in calls over HTTP; `MADE` is its name, None is none.
        elsewhere: What other programs call it, for whoever writes that here.
        control: How the page shows it; None does not.
        in_models_file: Whether `[defaults]` of models.toml may say it.
        axis: Whether it may vary along an axis of a sheet.
        plural: What an axis may call it too.
        pixels: Whether it decides the picture: a job's digest holds it.
        since: Since when it has been there.
        families: The base families it does something for; None means every one.
    """

    name: str
    kind: ValueKind
    help: str
    source: str = ""
    spoken: str = ""
    default: Any = None
    by_model: bool = False
    optional: bool = False
    asked_only: bool = False
    filled: bool = True
    instead_of: tuple[str, ...] = ()
    infotext: str | None = None
    infotext_too: tuple[str, ...] = ()
    infotext_always: bool = False
    infotext_as: Callable[[str], str] | None = None
    option: str | None = MADE
    line_key: str | None = MADE
    http: str | None = MADE
    elsewhere: tuple[str, ...] = ()
    control: PageControl | None = None
    in_models_file: bool = True
    axis: bool = True
    plural: str | None = None
    pixels: bool = True
    since: Since = Since.LATER
    families: frozenset[str] | None = None

    @property
    def explained(self) -> str:
        """What it is, with its source."""
        return f"{self.help} Source: {self.source}." if self.source else self.help

    @property
    def words(self) -> str:
        """Its name in a sentence."""
        return self.spoken or self.name.replace("_", " ")

    @property
    def flag(self) -> str | None:
        """Its option on the command line, with dashes."""
        return f"--{self.name.replace('_', '-')}" if self.option == MADE else self.option

    @property
    def key_in_lines(self) -> str | None:
        """Its key in lines of prompts, without dashes."""
        return self.name if self.line_key == MADE else self.line_key

    @property
    def http_name(self) -> str | None:
        """Its name in calls over HTTP."""
        return self.name if self.http == MADE else self.http

    @property
    def scalar(self) -> bool:
        """Whether its value is one number, text, name or path."""
        return isinstance(self.kind, (Whole, Real, TextValue, TableName, PictureValue))

    @property
    def before(self) -> tuple[object, ...]:
        """The values that say what held before it was there; they are left out of digests."""
        return (None, self.default) if self.since is Since.LATER else ()

    def applies_to(self, family: str) -> bool:
        """Tell whether it does something for models of a base family."""
        return self.families is None or family in self.families


@dataclass(frozen=True, slots=True)
class Table:
    """The settings of one thing, in order.

    Attributes:
        rows: The settings.
        prefix: What errors put before their names: `hires `.
    """

    rows: tuple[Setting, ...]
    prefix: str = ""
    _by_name: dict[str, Setting] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the rows; two of one name are a mistake in the table."""
        by_name = {row.name: row for row in self.rows}
        if len(by_name) < len(self.rows):
            raise ValueError("two settings have one name")
        object.__setattr__(self, "_by_name", by_name)

    def __iter__(self) -> Iterator[Setting]:
        """Yield the settings in order."""
        return iter(self.rows)

    def __getitem__(self, name: str) -> Setting:
        """Return the setting of a name."""
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a setting of a name."""
        return name in self._by_name

    @property
    def names(self) -> tuple[str, ...]:
        """The names in order."""
        return tuple(self._by_name)

    @property
    def parts(self) -> tuple[Setting, ...]:
        """The settings that are tables of settings themselves."""
        return tuple(row for row in self.rows if isinstance(row.kind, NestedTable))
