"""The settings of the desk as a table of controls, which the page's script draws: a new setting is a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from lora_mixer import RenderRequest
from lora_mixer.hires import Hires
from lora_mixer.settings import PICTURE, SECOND_PASS, PageControl, Setting, Table
from lora_mixer.settings.kinds import Real, TableName, ValueKind, Whole
from lora_mixer.settings.structured_kinds import NestedTable
from lora_mixer_app.web.choice_i18n import in_chinese

SECOND = "hires."
BROWSERS_WHOLE = 2**53
"""The largest whole number a browser counts to."""
FIRST = ""  # chosen where the second pass has nothing of its own
ONE_BY_ONE = ("main", "more")
"""Places of settings that the desk lays out by name, and whose open values the model fills."""


class Control(NamedTuple):
    """A row of the table.

    Attributes:
        field: A field of `RenderRequest`; behind `hires.`, a field of `Hires`.
        plain: What the control shows where a request leaves the field open.
        kind: The values it takes.
        how: How it is shown.
        opens: Whether the plain value leaves the field open.
    """

    field: str
    plain: object
    kind: ValueKind
    how: PageControl
    opens: bool = False

    def form(self, files: Sequence[str] = ()) -> dict[str, object]:
        """Return what the page's script draws it from; `files` may be chosen where a table's names are not all."""
        told = {
            "field": self.field,
            "id": self.field.replace(".", "-").replace("_", "-"),
            "place": self.how.place,
            "plain": self.plain,
            "label": {"en": self.how.english, "zh": self.how.chinese},
        }
        shape = _shape(self.kind, self.how, files)
        return told | shape | {"chinese": in_chinese(self.field.removeprefix(SECOND), shape.get("choices", ()))}


def _control(row: Setting, prefix: str = "") -> Control:
    """Return the control of a setting, as its row in the table of settings has it."""
    how = row.control
    assert how is not None
    plain = row.default if how.shows is None else how.shows
    return Control(prefix + row.name, plain, row.kind, how, how.leaves_open)


def _shape(kind: ValueKind, how: PageControl, files: Sequence[str]) -> dict[str, Any]:
    if isinstance(kind, TableName):
        return {
            "shape": "choice",
            "choices": [*kind.names, *(files if kind.beyond else ())],
            "first": how.first,
            "free": kind.free,
        }
    if isinstance(kind, Whole | Real):
        return {"shape": "slider" if how.slider else "number"} | _range(kind, how)
    return {"shape": "switch" if isinstance(kind, NestedTable) else "text"}


def _range(kind: Whole | Real, how: PageControl) -> dict[str, object]:
    low = kind.low if how.low is None else how.low
    if isinstance(kind, Whole) and how.low is None and kind.open is not None:
        low = min(low, kind.open)
    high = kind.high if how.high is None else how.high
    step = how.step or (1 if isinstance(kind, Whole) else 0.05)
    most = high if how.slider or high <= BROWSERS_WHOLE else BROWSERS_WHOLE
    return {"low": low, "high": most, "step": step, "whole": isinstance(kind, Whole)}


def _in(table: Table, place: str) -> list[Setting]:
    return [row for row in table if row.control is not None and row.control.place == place]


CONTROLS: tuple[Control, ...] = (
    *(_control(row) for place in ("mix", "advanced") for row in _in(PICTURE, place)),
    *map(_control, _in(PICTURE, "second")),
    *(_control(row, SECOND) for row in _in(SECOND_PASS, "second")),
)
START: tuple[Control, ...] = tuple(_control(row) for place in ("start", "mask") for row in _in(PICTURE, place))
MAIN: tuple[Control, ...] = tuple(_control(row) for place in ONE_BY_ONE for row in _in(PICTURE, place))


def asked_of(values: Sequence[object]) -> dict[str, Any]:
    """Return fields of a request, of the controls' values in the order of the table.

    >>> shown = shown_for(RenderRequest(prompt="", hires=Hires(scale=1.5)))
    >>> asked_of(shown)["hires"].scale, asked_of(shown)["eta"]
    (1.5, None)
    """
    given: dict[str, Any] = {
        control.field: None if control.opens and value == control.plain else value
        for control, value in zip(CONTROLS, values, strict=True)
    }
    second = {name.removeprefix(SECOND): given.pop(name) for name in tuple(given) if name.startswith(SECOND)}
    return given | {"hires": Hires(**second) if given["hires"] else None}


def shown_for(request: RenderRequest) -> list[object]:
    """Return what the controls show for a request, in the order of the table; what it leaves open is plain."""
    return [_shown(control, request) for control in CONTROLS]


def _shown(control: Control, request: RenderRequest) -> object:
    hires = request.hires
    if control.field == "hires":
        return hires is not None
    if not control.field.startswith(SECOND):
        value = getattr(request, control.field)
    elif hires is None:
        value = None
    elif control.field == "hires.scale" and hires.scale is None and hires.width and request.width:
        value = round(hires.width / request.width, 4)
    else:
        value = getattr(hires, control.field.removeprefix(SECOND))
    return control.plain if value is None else value
