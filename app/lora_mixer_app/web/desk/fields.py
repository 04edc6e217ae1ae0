"""The desk's settings besides the mix: prompts, seed, sampler, size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import gradio as gr
from gradio.components import Component

from lora_mixer import RenderRequest
from lora_mixer.settings import PICTURE
from lora_mixer_app.web.desk.advanced import CONTROLS, asked_of, lay_advanced, lay_setting, shown_for
from lora_mixer_app.web.i18n import word
from lora_mixer_app.web.state import AppState

FIRST_PROMPT = "red heart"
FIRST_SEED = 1
MAIN = ("seed", "steps", "cfg")
MORE = ("sampler", "schedule", "width", "height", "clip_skip")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFields:
    """The components, each named as its field of `RenderRequest`; `advanced` as its table has them."""

    prompt: gr.Textbox
    negative: gr.Textbox
    seed: gr.Number
    steps: gr.Slider
    cfg: gr.Slider
    sampler: gr.Dropdown
    schedule: gr.Dropdown
    width: gr.Number
    height: gr.Number
    clip_skip: gr.Number
    advanced: tuple[Component, ...]

    def __iter__(self) -> Iterator[Component]:
        """Yield the components in their order."""
        yield from (getattr(self, name) for name in _PLAIN)
        yield from self.advanced

    @property
    def method(self) -> Component:
        """The component that says how the LoRAs are blended."""
        return self.advanced[_METHOD]

    def with_method(self, values: Sequence[Any], method: str) -> list[Any]:
        """Return the components' values, in their order, with another method."""
        changed = list(values)
        changed[len(_PLAIN) + _METHOD] = method
        return changed

    def request(self, values: Sequence[object]) -> RenderRequest:
        """Return the request of the components' values, in their order."""
        given = dict(zip(_PLAIN, values[: len(_PLAIN)], strict=True))
        texts = {name: given[name] or "" for name in ("prompt", "negative")}  # an empty box holds nothing
        return RenderRequest(**given | texts | asked_of(values[len(_PLAIN) :]))  # type: ignore[arg-type]

    def fill(self, request: RenderRequest) -> list[object]:
        """Return what the components shall show; what the request leaves open stays as it is, but for `advanced`."""
        values = (getattr(request, name) for name in _PLAIN)
        return [*(gr.skip() if value is None else value for value in values), *shown_for(request)]


_METHOD = [control.field for control in CONTROLS].index("method")
_PLAIN = tuple(field.name for field in fields(RequestFields) if field.name != "advanced")


def lay_prompts(state: AppState) -> tuple[gr.Textbox, gr.Textbox, gr.Markdown, gr.Markdown]:
    """Lay out both prompts, each with its count of tokens; return prompts and counts."""
    negative_text = state.mixer.models_file.defaults_for(state.first.name).negative or ""
    with gr.Column(elem_classes="prompt", min_width=0):
        prompt = gr.Textbox(
            label=word("prompt"), placeholder=word("prompt_hint"), lines=3, value=FIRST_PROMPT, elem_id="prompt"
        )
        count = gr.Markdown(elem_id="count", elem_classes="count")
    with gr.Column(elem_classes="prompt", min_width=0):
        negative = gr.Textbox(label=word("negative"), lines=2, value=negative_text, elem_id="negative")
        negative_count = gr.Markdown(elem_id="negative-count", elem_classes="count")
    return prompt, negative, count, negative_count


def lay_settings(state: AppState, prompt: gr.Textbox, negative: gr.Textbox) -> tuple[RequestFields, gr.Dropdown]:
    """Lay out the other settings; return all, and the presets."""
    defaults = state.mixer.models_file.defaults_for(state.first.name)
    first = {row.name: getattr(defaults, row.name) or row.default for row in PICTURE}
    first |= {"seed": FIRST_SEED, "width": defaults.width or state.first.native_size[0]}
    first |= {"height": defaults.height or state.first.native_size[1]}
    with gr.Row():
        laid = {name: lay_setting(name, first[name]) for name in MAIN}
    with gr.Accordion(word("more"), open=False, elem_id="more"), gr.Row(elem_classes="tight"):
        preset = lay_setting("preset", None)
        laid |= {name: lay_setting(name, first[name]) for name in MORE}
    return RequestFields(
        prompt=prompt,
        negative=negative,
        **laid,
        advanced=lay_advanced(),
    ), preset
