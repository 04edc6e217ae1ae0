"""The channel strips as they are drawn: one per LoRA of the mix, its knobs wired as they are made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.components import Component

from lora_mixer import Rectangle
from lora_mixer.catalog import LoraEntry
from lora_mixer.errors import LoraMixerError, PromptError
from lora_mixer.families import Family
from lora_mixer_app.web.desk.controller import DeskController, turned, without
from lora_mixer_app.web.desk.curves import PRESETS, curve_text, with_curve
from lora_mixer_app.web.desk.result_panel import Shown
from lora_mixer_app.web.desk.strip import Strip
from lora_mixer_app.web.desk.sync import Strips, rewrite
from lora_mixer_app.web.i18n import word
from lora_mixer_app.web.loras import chips
from lora_mixer_app.web.notices import as_text

REACH = 2.0  # of a slider; a typed number may go beyond
CHIPS = 6
STEP = 0.05


def draw_strips(controller: DeskController, strips: Strips, family: Family) -> None:
    """Draw the strips of a tab's mix, for a model of a family."""
    if not strips:
        gr.Markdown(word("no_strips"), elem_id="no-strips")
    for strip in strips:
        with gr.Column(elem_classes="strip", min_width=0):
            _Drawn(controller, strip, family).wire()


class _Drawn:
    """One strip on the page.

    Components keep their key from one drawing to the next, so that focus and place stay; their values are always
    those of the strip.
    """

    def __init__(self, controller: DeskController, strip: Strip, family: Family) -> None:
        self._board = controller
        self._strip = strip
        self._words, problem, self._texts = _facts(controller, strip, family)
        self._presets = tuple(family.layout.presets)
        with gr.Row(elem_classes="tight head"):
            self.on = gr.Checkbox(strip.on, label=strip.name, **self._named("on", min_width=90), scale=3)
            self.solo = gr.Checkbox(strip.solo, label=word("solo"), **self._named("solo", min_width=60))
            self.remove = gr.Button(word("remove"), size="sm", **self._named("remove", min_width=60))
        if problem:
            gr.Markdown(f"⚠ {as_text(problem)}", elem_classes="problem", key=("problem", strip.number))
        with gr.Row(elem_classes="tight"):
            self.slider = gr.Slider(
                *_reach(strip.denoiser),
                strip.denoiser,
                step=STEP,
                label=strip.name,
                show_label=False,
                scale=4,
                buttons=[],
                **self._named("w", min_width=120),
            )
            self.number = gr.Number(
                strip.denoiser, label=f"{strip.name} =", show_label=False, step=STEP, **self._named("n", min_width=70)
            )
        self.chip = gr.Radio(
            list(self._words),
            label=word("words"),
            visible=bool(self._words),
            **self._named("chips"),
            elem_classes="chips",
        )
        with gr.Accordion(word("details"), open=_is_special(strip), key=("details", strip.number)):
            self._lay_details(strip)

    def _lay_details(self, strip: Strip) -> None:
        mask = strip.mask or Rectangle(left=0.0, top=0.0, right=1.0, bottom=1.0)
        with gr.Row(elem_classes="tight"):
            self.split = gr.Checkbox(
                strip.text is not None,
                label=word("split"),
                info=None if self._texts else word("no_texts"),
                **self._named("split"),
            )
            self.te = gr.Number(
                strip.denoiser if strip.text is None else strip.text, label=word("te"), step=STEP, **self._named("te")
            )
        with gr.Row(elem_classes="tight"):
            self.blocks = gr.Dropdown(
                list(dict.fromkeys(["ALL", *self._presets, *([strip.blocks] if strip.blocks else [])])),
                value=strip.blocks or "ALL",
                allow_custom_value=True,
                label=word("blocks"),
                **self._named("blocks"),
            )
            curve = curve_text(strip)
            self.curve = gr.Dropdown(
                list(dict.fromkeys([*(name for name, _ in PRESETS), curve])),
                value=curve,
                allow_custom_value=True,
                label=word("curve"),
                **self._named("curve"),
            )
        self.masked = gr.Checkbox(strip.mask is not None, label=word("mask"), **self._named("masked"))
        with gr.Row(elem_classes="tight"):
            self.edges = [
                gr.Slider(0, 1, getattr(mask, side), step=0.01, label=word(side), **self._named(side, min_width=90))
                for side in ("left", "right", "top", "bottom")
            ]

    def wire(self) -> None:
        """Say what the knobs do."""
        controller, number = self._board, self._strip.number
        listening: dict[str, Any] = controller.listening | {"outputs": [*controller.outputs, self.slider, self.number]}
        knobs: list[Component] = [
            *(self.on, self.solo, self.number, self.split, self.te, self.blocks, self.curve, self.masked, *self.edges)
        ]

        def moved(request: gr.Request, value: float, *values: Any) -> Iterator[Shown]:  # noqa: ANN401
            yield from controller.changed(
                request, turned(number, denoiser=float(value)), values, also={self.number: value}
            )

        def set_all(request: gr.Request, *values: Any) -> Iterator[Shown]:  # noqa: ANN401
            mine, others = values[: len(knobs)], values[len(knobs) :]
            low, high = _reach(mine[2])
            slid: Shown = {self.slider: gr.Slider(value=mine[2], minimum=low, maximum=high)}
            yield from controller.changed(request, lambda strips: _set(strips, number, mine), others, also=slid)

        def removed(request: gr.Request, *values: Any) -> Iterator[Shown]:  # noqa: ANN401
            yield from controller.changed(request, without(number), values)

        self.slider.release(moved, [self.slider, *controller.inputs], key=("move", number), **listening)
        gr.on(
            [
                *(box.input for box in (self.on, self.solo, self.split, self.masked, self.blocks, self.curve)),
                *(event for box in (self.number, self.te) for event in (box.submit, box.blur)),
                *(edge.release for edge in self.edges),
            ],
            set_all,
            [*knobs, *controller.inputs],
            key=("set", number),
            **listening,
        )
        self.remove.click(removed, controller.inputs, key=("removed", number), **controller.listening)
        self.chip.input(
            _with_words,
            [self.chip, controller.fields.prompt],
            [self.chip, controller.fields.prompt],
            key=("chip", number),
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )

    def _named(self, what: str, *, min_width: int = 100) -> dict[str, Any]:
        """Return what every knob has: a key and an id of its own, and no value kept from the drawing before."""
        return {
            "key": (what, self._strip.number),
            "elem_id": f"{what}-{self._strip.number}",
            "preserved_by_key": None,
            "min_width": min_width,
        } | ({} if what == "remove" else {"interactive": True})


def _set(strips: Strips, number: int, values: tuple[Any, ...]) -> Strips:
    """Return the strips with one set as all its knobs stand.

    Raises:
        RequestError: The curve cannot be read.
    """
    on, solo, denoiser, split, text, blocks, curve, masked, left, right, top, bottom = values
    old = next((strip for strip in strips if strip.number == number), None)
    if old is None:
        return strips
    knobs = replace(
        old,
        on=on,
        solo=solo,
        denoiser=float(denoiser or 0.0),
        text=float(text or 0.0) if split else None,
        blocks=None if blocks in {None, "", "ALL"} and old.blocks != "ALL" else blocks,
        mask=Rectangle(left=left, top=top, right=right, bottom=bottom) if masked else None,
    )
    new = knobs if curve == curve_text(old) else with_curve(knobs, curve or "")
    return tuple(new if strip.number == number else strip for strip in strips)


def _with_words(words: str | None, prompt: str | None) -> tuple[None, str]:
    """Return the prompt with a LoRA's words in it, once; and no chip pressed, so that each can be pressed again."""
    prompt = prompt or ""
    if not words or words.casefold() in _untagged(prompt).casefold():
        return None, prompt
    return None, f"{prompt.rstrip().rstrip(',')}, {words}" if prompt.strip() else words


def _untagged(prompt: str) -> str:
    """Return a prompt without its tags, whose names are no words of it; one that cannot be read as it is."""
    try:
        return rewrite(prompt, ())
    except PromptError:
        return prompt


def _facts(controller: DeskController, strip: Strip, family: Family) -> tuple[tuple[str, ...], str | None, bool]:
    """Return a LoRA's chips, why it will not work, and whether it acts on texts."""
    try:
        entry: LoraEntry = controller.state.loras.library.find(strip.name)
    except LoraMixerError as error:
        return (), f"{error.what}. {error.remedy or ''}", True
    fit = controller.state.loras.fit(entry, family)
    return chips(entry, CHIPS), fit.reason, fit.texts


def _reach(value: float) -> tuple[float, float]:
    """Return a slider's ends: -2 and 2, further for a value that was typed."""
    reach = max(REACH, abs(float(value or 0.0)))
    return -reach, reach


def _is_special(strip: Strip) -> bool:
    return strip.mask is not None or strip.text is not None or strip.blocks is not None
