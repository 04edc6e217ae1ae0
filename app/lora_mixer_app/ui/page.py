"""The page: what is on it and what its buttons do."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
from PIL import Image

from lora_mixer import Cancel, LoraMixerError, LoraUse, Mixer, RenderedImage, RenderRequest, Strength
from lora_mixer.catalog import LoraEntry
from lora_mixer.errors import CancelledError
from lora_mixer.images import save_picture
from lora_mixer_app.ui.stream import stream

PLAIN_STRENGTH = 0.8
WORDS_SHOWN = 3

Shown = tuple[Image.Image | str | dict[str, object], str]


def build_page(mixer: Mixer, folder: Path | None = None) -> gr.Blocks:
    """Return the page over an open mixer.

    Args:
        mixer: What renders.
        folder: Where pictures are kept; None makes a temporary folder.
    """
    kept = folder or Path(tempfile.mkdtemp(prefix="lora-mixer-"))
    names = [entry.name for entry in mixer.library.entries]
    defaults = mixer.models_file.defaults_for(mixer.model.name)
    jobs: dict[str, Cancel] = {}  # what each open tab is rendering
    page: gr.Blocks
    with gr.Blocks(title="LoRA Mixer", analytics_enabled=False) as page:
        gr.Markdown("# LoRA Mixer")

        def strips(chosen: list[str] | None) -> None:
            sliders = [_strength_slider(mixer.library.find(name)) for name in chosen or []]

            def job(
                session: gr.Request,
                text: str,
                avoid: str,
                number: int,
                count: int,
                scale: float,
                *strengths: float,
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
                jobs[str(session.session_hash)] = Cancel()
                yield from _show(mixer, wish, kept, jobs[str(session.session_hash)])

            go.click(
                job,
                [prompt, negative, seed, steps, cfg, *sliders],
                [image, status],
                key="go",
                concurrency_id="render",
                concurrency_limit=1,
                api_visibility="private",
            )

        with gr.Row():
            with gr.Column():
                prompt = gr.Textbox(label="Prompt", lines=3, value="red heart", elem_id="prompt", interactive=True)
                negative = gr.Textbox(
                    label="Negative prompt",
                    lines=2,
                    value=defaults.negative or "",
                    elem_id="negative",
                    interactive=True,
                )
                pick = gr.Dropdown(names, multiselect=True, label="LoRAs", elem_id="pick", interactive=True)
                gr.render(inputs=[pick], triggers=[pick.change, page.load])(strips)
                with gr.Row():
                    seed = gr.Number(1, label="Seed (-1: random)", precision=0, interactive=True)
                    steps = gr.Slider(
                        1, 100, defaults.steps or 20, step=1, label="Steps", elem_id="steps", interactive=True
                    )
                    cfg = gr.Slider(1, 20, defaults.cfg or 7, step=0.5, label="CFG scale", interactive=True)
                with gr.Row():
                    go = gr.Button("Generate", variant="primary", elem_id="go")
                    stop = gr.Button("Cancel", elem_id="stop")
            with gr.Column():
                image = gr.Image(
                    label="Picture", type="filepath", format="png", elem_id="picture", interactive=False, height=512
                )
                status = gr.Markdown(elem_id="status")

        def cancel(request: gr.Request) -> None:
            if (running := jobs.get(str(request.session_hash))) is not None:
                running.press()

        stop.click(cancel, None, None, queue=False, api_visibility="private")

    return page


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


def _show(mixer: Mixer, request: RenderRequest, folder: Path, cancel: Cancel) -> Iterator[Shown]:
    try:
        for event in stream(mixer, request, cancel=cancel):
            if isinstance(event, RenderedImage):
                path = folder / f"{time.time_ns()}-{event.record.settings.seed}.png"
                save_picture(event.image, event.record, path)
                for note in event.record.notes:
                    gr.Warning(note)
                yield str(path), f"Seed {event.record.settings.seed}, {event.record.seconds:.2f} s"
            else:
                yield event.image, f"Step {event.step} of {event.steps}"
    except CancelledError:
        yield gr.skip(), "Cancelled"
    except LoraMixerError as error:
        raise gr.Error(str(error)) from error
