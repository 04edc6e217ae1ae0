"""The desk's layout, and how other tabs lay settings on it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from lora_mixer import RenderRequest
from lora_mixer.choices import find_preset
from lora_mixer.errors import PromptError
from lora_mixer_app.web.desk.advanced import CONTROLS
from lora_mixer_app.web.desk.browser import lay_browser, wire_browser
from lora_mixer_app.web.desk.controller import DeskController
from lora_mixer_app.web.desk.conversion import laid_out, masked_by_pictures
from lora_mixer_app.web.desk.fields import lay_prompts, lay_settings
from lora_mixer_app.web.desk.job import KIND
from lora_mixer_app.web.desk.mixes import lay_mixes, wire_mixes
from lora_mixer_app.web.desk.models import lay_models, wire_models
from lora_mixer_app.web.desk.result_panel import QUICK, Shown, lay_screen, wire_screen
from lora_mixer_app.web.desk.strips import draw_strips
from lora_mixer_app.web.i18n import said, word
from lora_mixer_app.web.notices import as_notice, as_text
from lora_mixer_app.web.state import AppState

ETA = [control.field for control in CONTROLS].index("eta")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The desk, as the other tabs know it.

    A tab sends settings to the desk by `receive`: it names an event, and a function that returns a request.

    >>> import gradio as gr
    >>> from lora_mixer import RenderRequest
    >>> def build(studio: AppState, desk: Desk) -> None:
    ...     text = gr.Textbox()
    ...     send = gr.Button("Send to desk")
    ...     desk.receive(send.click, lambda prompt: RenderRequest(prompt=prompt, steps=4), [text])

    The function may also take a `gr.Request` or event data such as `gr.SelectData`, as any Gradio listener.
    """

    controller: DeskController
    tabs: gr.Tabs
    wish: gr.State

    def receive(
        self,
        event: Callable[..., Dependency],
        wish: Callable[..., RenderRequest],
        inputs: Sequence[Component] = (),
    ) -> Dependency:
        """Lay a request's settings on the desk and show the desk whenever an event fires.

        Args:
            event: A component's event, such as `button.click` or `gallery.select`.
            wish: Returns the request, of the inputs' values; a `LoraMixerError` it raises becomes a notice. What the
                request leaves open (`None`) stays on the desk as it is; its mix becomes strips and tags.
            inputs: The components whose values `wish` takes.

        Returns:
            The listener, to chain `.then(...)` to.
        """

        @functools.wraps(wish)  # Gradio looks at the arguments for a request or event data
        def wished(*values: Any, **named: Any) -> RenderRequest:  # noqa: ANN401 whatever the inputs hold
            with as_notice():
                return wish(*values, **named)

        controller = self.controller
        outputs = [*controller.fields, controller.redraw, self.tabs]
        wishing = event(wished, list(inputs), [self.wish], **QUICK)
        laid: Dependency = wishing.success(self.lay, [self.wish], outputs, **QUICK)
        return laid

    def lay(self, request: gr.Request, wish: RenderRequest) -> list[object]:
        """Return what the desk's fields show of a request; what cannot stand on it is told.

        Raises:
            gr.Error: The request cannot be laid on a desk.
        """
        session = self.controller.state.session(request)
        with as_notice():
            shown, strips = laid_out(wish, family=self.controller.state.model(request).family)
        for name in masked_by_pictures(wish):
            gr.Warning(as_text(said(request, "mask_left_out", name=name)))
        session.change(lambda _: strips)
        return [*self.controller.fields.fill(shown), session.next_draw(), gr.Tabs(selected="desk")]


def build_desk(state: AppState, page: gr.Blocks, tabs: gr.Tabs) -> Desk:
    """Lay out the desk."""
    redraw, wish = gr.State(0), gr.State(None)
    with gr.Row():
        with gr.Column(min_width=320, elem_classes="side"):
            prompt, negative, count, negative_count = lay_prompts(state)
            with gr.Row(elem_classes="tight go"):
                go = gr.Button(word("generate"), variant="primary", elem_id="go", min_width=120, scale=2)
                stop = gr.Button(word("cancel"), elem_id="stop", min_width=80)
                live = gr.Checkbox(value=True, label=word("live"), elem_id="live", min_width=200, scale=2)
            browser = lay_browser(state)
            strips = gr.Column(min_width=0)
            mixes = lay_mixes(state)
            fields, preset = lay_settings(state, prompt, negative)
            model = lay_models(state)
        with gr.Column(min_width=320, elem_classes="side"):
            panel = lay_screen(state)
    controller = DeskController(state=state, fields=fields, panel=panel, redraw=redraw, live=live)
    desk = Desk(controller=controller, tabs=tabs, wish=wish)

    def draw(request: gr.Request, _draws: int) -> None:
        draw_strips(controller, state.session(request).strips, state.model(request).family)

    with strips:
        gr.render(inputs=[redraw], triggers=[redraw.change, page.load], show_progress="hidden")(draw)
    wire_browser(controller, page, *browser)
    wire_screen(panel, page)
    _wire_prompts(controller, page, count, negative_count)
    _wire_buttons(desk, go, stop)
    _wire_knobs(controller, preset)
    wire_models(controller, model)
    wire_mixes(controller, mixes, page)
    return desk


def _wire_prompts(controller: DeskController, page: gr.Blocks, count: gr.Markdown, negative_count: gr.Markdown) -> None:
    """Count tokens, and let the strips follow what is typed."""

    def counted(request: gr.Request, text: str | None, steps: int) -> str:
        try:
            told = controller.state.model(request).count(text or "", steps=steps)
        except PromptError:
            return "…"
        return f"{told.tokens}/{told.chunks * told.limit}" if told else ""

    def typed(request: gr.Request, text: str | None) -> Shown:
        try:
            return controller.typed(request, text or "")
        except PromptError:  # a tag half typed; what is still wrong when the box is left is said then
            return {controller.redraw: gr.skip()}

    def left(request: gr.Request, text: str | None) -> Shown:
        try:
            return controller.typed(request, text or "")
        except PromptError as error:
            return {controller.panel.status: as_text(str(error))}

    prompt, negative, steps = controller.fields.prompt, controller.fields.negative, controller.fields.steps
    for text, shown in ((prompt, count), (negative, negative_count)):
        gr.on([text.change, page.load], counted, [text, steps], [shown], trigger_mode="always_last", **QUICK)
    prompt.input(typed, [prompt], [controller.redraw], trigger_mode="always_last", **QUICK)
    prompt.blur(left, [prompt], [controller.redraw, controller.panel.status], **QUICK)


def _wire_buttons(desk: Desk, go: gr.Button, stop: gr.Button) -> None:
    controller, state = desk.controller, desk.controller.state

    def cancel(request: gr.Request) -> None:
        state.session(request).cancel(KIND)

    def again(request: gr.Request) -> RenderRequest:
        kept = controller.panel.selected(request)
        if kept is None:
            raise gr.Error(said(request, "choose_first"), print_exception=False)
        return kept.record.settings.request()

    go.click(controller.generate, controller.inputs, **controller.listening)
    stop.click(cancel, None, None, queue=False, **QUICK)
    desk.receive(controller.panel.use.click, again)


def _wire_knobs(controller: DeskController, preset: gr.Dropdown) -> None:
    """Let a preset set the knobs it is about, and every knob render in live mode once it is let go."""
    fields = controller.fields
    about = [fields.sampler, fields.schedule, fields.steps, fields.cfg, fields.advanced[ETA]]

    def chosen(name: str) -> list[object]:
        row = find_preset(name)
        eta = CONTROLS[ETA].plain if row.eta is None else row.eta
        return [row.sampler, row.schedule, row.steps, row.cfg, eta]

    preset.input(chosen, [preset], about, **QUICK).then(controller.replayed, controller.inputs, **controller.listening)
    settled = [
        *(knob.release for knob in (fields.steps, fields.cfg)),
        *(choice.input for choice in (fields.sampler, fields.schedule)),
        *(box.submit for box in (fields.seed, fields.width, fields.height, fields.clip_skip)),
        *(getattr(knob, control.event) for knob, control in zip(fields.advanced, CONTROLS, strict=True)),
    ]
    gr.on(settled, controller.replayed, controller.inputs, **controller.listening)
