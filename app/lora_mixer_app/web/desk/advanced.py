"""The settings few renders need, as a table of controls: a variation, guidance, noise, a second pass (hires fix)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component

from lora_mixer import RenderRequest
from lora_mixer.hires import Hires
from lora_mixer.settings import PICTURE, SECOND_PASS, PageControl, Setting, Table
from lora_mixer.settings.kinds import NestedTable, Real, TableName, ValueKind, Whole
from lora_mixer_app.web.i18n import word

SECOND = "hires."
BROWSERS_WHOLE = 2**53
"""The largest whole number a browser counts to."""
FIRST = ""  # chosen where the second pass has nothing of its own


class Control(NamedTuple):
    """A row of the table.

    Attributes:
        field: A field of `RenderRequest`; behind `hires.`, a field of `Hires`.
        plain: What the control shows where a request leaves the field open.
        make: Makes the component, of keywords that every one takes.
        event: When its user has settled on a value.
        opens: Whether the plain value leaves the field open.
    """

    field: str
    plain: object
    make: Callable[..., Component]
    event: str
    opens: bool = False

    @property
    def id(self) -> str:
        """Its name on the page."""
        return self.field.replace(".", "-").replace("_", "-")


def _control(row: Setting, prefix: str = "") -> Control:
    """Return the control of a setting, as its row in the table of settings has it."""
    how = row.control
    assert how is not None
    plain = row.default if how.shows is None else how.shows
    return Control(prefix + row.name, plain, partial(_made, row.kind, how), _event(row.kind, how), how.leaves_open)


def _made(kind: ValueKind, how: PageControl, **more: Any) -> Component:  # noqa: ANN401 keywords of the component
    if isinstance(kind, TableName):
        names = [(word("as_first"), FIRST)] if how.first else []
        choices = [*names, *((name, name) for name in kind.names)]
        return gr.Dropdown(choices, allow_custom_value=kind.free, **more)
    if isinstance(kind, (Whole, Real)):
        return _number(kind, how, **more)
    return gr.Checkbox(**more) if isinstance(kind, NestedTable) else gr.Textbox(max_lines=3, **more)


def _number(kind: Whole | Real, how: PageControl, **more: Any) -> Component:  # noqa: ANN401 keywords of the component
    low = kind.low if how.low is None else how.low
    if isinstance(kind, Whole) and how.low is None and kind.open is not None:
        low = min(low, kind.open)
    high = kind.high if how.high is None else how.high
    if how.slider:
        return gr.Slider(low, high, step=how.step, **more)
    most = high if high <= BROWSERS_WHOLE else None
    step = 1 if how.step is None else how.step
    return gr.Number(precision=0 if isinstance(kind, Whole) else None, minimum=low, maximum=most, step=step, **more)


def _event(kind: ValueKind, how: PageControl) -> str:
    """Return when somebody has settled on a value."""
    if isinstance(kind, (TableName, NestedTable)):
        return "input"
    return "release" if how.slider else "submit"


def _in(table: Table, place: str) -> list[Setting]:
    return [row for row in table if row.control is not None and row.control.place == place]


CONTROLS: tuple[Control, ...] = (
    *map(_control, _in(PICTURE, "advanced")),
    *map(_control, _in(PICTURE, "second")),
    *(_control(row, SECOND) for row in _in(SECOND_PASS, "second")),
)


def lay_setting(name: str, value: object) -> Any:  # noqa: ANN401 the component of its kind
    """Lay out the control of a setting of the picture, as its row says."""
    row = PICTURE[name]
    how = row.control
    assert how is not None
    return _made(row.kind, how, value=value, label=word(name), elem_id=name.replace("_", "-"), min_width=how.width)


def lay_advanced() -> tuple[Component, ...]:
    """Lay out the controls in the order of the table, those of the second pass below the others."""
    at = [control.field for control in CONTROLS].index("hires")
    with gr.Accordion(word("advanced"), open=False, elem_id="advanced"):
        parts = (CONTROLS[:at], CONTROLS[at : at + 1], CONTROLS[at + 1 :])
        return tuple(made for part in parts for made in _row(part))


def _row(controls: Sequence[Control]) -> list[Component]:
    with gr.Row(elem_classes="tight"):
        return [
            control.make(
                value=control.plain,
                label=word(control.field.replace(".", "_")),
                elem_id=control.id,
                min_width=170,
                interactive=True,
            )
            for control in controls
        ]


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
