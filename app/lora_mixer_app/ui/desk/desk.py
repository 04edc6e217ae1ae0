"""The desk's layout, and how other tabs lay settings on it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from lora_mixer import LoraUse, RenderRequest, Strength
from lora_mixer.catalog import LoraEntry
from lora_mixer_app.ui.desk.job import Shown, show
from lora_mixer_app.ui.notices import as_notice
from lora_mixer_app.ui.studio import Studio
from lora_mixer_app.ui.words import word

PLAIN_STRENGTH = 0.8
WORDS_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The desk, as the other tabs know it.

    A tab sends settings to the desk by `receive`: it names an event, and a function that returns a request.

    >>> import gradio as gr
    >>> from lora_mixer import RenderRequest
    >>> def build(studio: Studio, desk: Desk) -> None:
    ...     text = gr.Textbox()
    ...     send = gr.Button("Send to desk")
    ...     desk.receive(send.click, lambda prompt: RenderRequest(prompt=prompt, steps=4), [text])

    The function may also take a `gr.Request` or event data such as `gr.SelectData`, as any Gradio listener.
    """

    fields: Sequence[Component]
    tabs: gr.Tabs
    fill: Callable[[RenderRequest], Sequence[Any]]

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
                request leaves open (`None`) stays on the desk as it is.
            inputs: The components whose values `wish` takes.

        Returns:
            The listener, to chain `.then(...)` to.
        """
        return event(_laid(wish, self.fill), list(inputs), [*self.fields, self.tabs], api_visibility="private")


def _laid(wish: Callable[..., RenderRequest], fill: Callable[[RenderRequest], Sequence[Any]]) -> Callable[..., Any]:
    @functools.wraps(wish)  # Gradio looks at the arguments for a request or event data
    def lay(*values: object, **named: object) -> list[object]:
        with as_notice():
            return [*fill(wish(*values, **named)), gr.Tabs(selected="desk")]

    return lay


def build_desk(studio: Studio, page: gr.Blocks, tabs: gr.Tabs) -> Desk:
    """Lay out the desk."""
    mixer = studio.mixer
    defaults = mixer.models_file.defaults_for(mixer.model_name)
    names = [entry.name for entry in mixer.library.entries]

    def strips(chosen: list[str] | None) -> None:
        sliders = [_strength_slider(mixer.library.find(name)) for name in chosen or []]

        def job(
            session: gr.Request, text: str, avoid: str, number: int, count: int, scale: float, *strengths: float
        ) -> Iterator[Shown]:
            wish = RenderRequest(
                prompt=text,
                negative=avoid,
                seed=number,
                steps=count,
                cfg=scale,
                loras=tuple(
                    LoraUse(name=name, strength=Strength(unet=value))
                    for name, value in zip(chosen or [], strengths, strict=True)
                ),
            )
            yield from show(studio, wish, studio.session(session).begin("desk"))

        go.click(
            job,
            [prompt, negative, seed, steps, cfg, *sliders],
            [image, status],
            key="go",
            concurrency_limit=None,
            api_visibility="private",
        )

    with gr.Row():
        with gr.Column():
            prompt = gr.Textbox(label=word("prompt"), lines=3, value="red heart", elem_id="prompt", interactive=True)
            negative = gr.Textbox(
                label=word("negative"), lines=2, value=defaults.negative or "", elem_id="negative", interactive=True
            )
            pick = gr.Dropdown(names, multiselect=True, label=word("loras"), elem_id="pick", interactive=True)
            gr.render(inputs=[pick], triggers=[pick.change, page.load])(strips)
            with gr.Row():
                seed = gr.Number(1, label=word("seed"), precision=0, interactive=True)
                steps = gr.Slider(
                    1, 100, defaults.steps or 20, step=1, label=word("steps"), elem_id="steps", interactive=True
                )
                cfg = gr.Slider(1, 20, defaults.cfg or 7, step=0.5, label=word("cfg"), interactive=True)
            with gr.Row():
                go = gr.Button(word("generate"), variant="primary", elem_id="go")
                stop = gr.Button(word("cancel"), elem_id="stop")
        with gr.Column():
            image = gr.Image(
                label=word("picture"), type="filepath", format="png", elem_id="picture", interactive=False, height=512
            )
            status = gr.Markdown(elem_id="status")

    def cancel(request: gr.Request) -> None:
        studio.session(request).cancel("desk")

    def fill(request: RenderRequest) -> list[object]:
        wanted = (request.prompt, request.negative, request.seed, request.steps, request.cfg)
        return [gr.skip() if value is None else value for value in wanted]

    stop.click(cancel, None, None, queue=False, api_visibility="private")
    return Desk(fields=(prompt, negative, seed, steps, cfg), tabs=tabs, fill=fill)


def _strength_slider(entry: LoraEntry) -> gr.Slider:
    """Return the slider of one LoRA: its owner's preferred strength to begin with, its trigger words beside it."""
    return gr.Slider(
        -2,
        2,
        PLAIN_STRENGTH if entry.sidecar.preferred_weight is None else entry.sidecar.preferred_weight,
        step=0.05,
        label=entry.name,
        info=", ".join(entry.trained_words[:WORDS_SHOWN]) or None,
        key=("strength", entry.name),
        interactive=True,
    )
