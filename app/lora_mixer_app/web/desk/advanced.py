"""The settings few renders need, as a table of controls: a variation, guidance, noise, a second pass (hires fix)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component

from lora_mixer import RenderRequest
from lora_mixer.choices import AUTOMATIC, METHODS, RNGS, SAMPLERS, SCHEDULES, SUM, UPSCALERS
from lora_mixer.hires import Hires
from lora_mixer.request import MAX_ETA
from lora_mixer_app.web.i18n import word

SECOND = "hires."
OFF = False
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


def _number(**how: Any) -> Callable[..., Component]:  # noqa: ANN401 keywords of the component
    return lambda **more: gr.Number(**how, **more)


def _slider(low: float, high: float, step: float) -> Callable[..., Component]:
    return lambda **more: gr.Slider(low, high, step=step, **more)


def _choice(names: Sequence[str]) -> Callable[..., Component]:
    return lambda **more: gr.Dropdown(list(names), **more)


def _open_choice(names: Sequence[str]) -> Callable[..., Component]:
    """Return what makes a choice that takes other texts, too: a method with numbers."""
    return lambda **more: gr.Dropdown(list(names), allow_custom_value=True, **more)


def _choice_or_first(names: Sequence[str]) -> Callable[..., Component]:
    return lambda **more: gr.Dropdown([(word("as_first"), FIRST), *((name, name) for name in names)], **more)


def _text(**more: Any) -> Component:  # noqa: ANN401 keywords of the component
    return gr.Textbox(max_lines=3, **more)


CONTROLS: tuple[Control, ...] = (
    Control("method", SUM.row.name, _open_choice([row.name for row in METHODS]), "input"),
    Control("subseed", -1, _number(precision=0, minimum=-1), "submit"),
    Control("subseed_strength", 0.0, _slider(0, 1, 0.01), "release"),
    Control("cfg_rescale", 0.0, _slider(0, 1, 0.05), "release"),
    Control("eta", -1, _number(minimum=-1, maximum=MAX_ETA, step=0.1), "submit", opens=True),
    Control("rng", "cpu", _choice(list(RNGS)), "input"),
    Control("hires", OFF, gr.Checkbox, "input"),
    Control("hires.scale", 2.0, _slider(1, 4, 0.05), "release"),
    Control("hires.denoise", 0.7, _slider(0.05, 1, 0.05), "release"),
    Control("hires.steps", 0, _number(precision=0, minimum=0), "submit", opens=True),
    Control("hires.upscaler", UPSCALERS[0].name, _choice([row.name for row in UPSCALERS]), "input"),
    Control("hires.sampler", FIRST, _choice_or_first([row.name for row in SAMPLERS]), "input", opens=True),
    Control("hires.schedule", FIRST, _choice_or_first([AUTOMATIC, *SCHEDULES]), "input", opens=True),
    Control("hires.cfg", 0, _number(minimum=0, step=0.5), "submit", opens=True),
    Control("hires.prompt", "", _text, "submit", opens=True),
    Control("hires.negative", "", _text, "submit", opens=True),
)


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
