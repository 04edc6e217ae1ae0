"""The sheet tab: pictures side by side that differ by LoRA strengths, words or numbers."""

from __future__ import annotations

import gradio as gr

from lora_mixer.request import RenderRequest
from lora_mixer_app.ui.desk import Desk
from lora_mixer_app.ui.studio import Studio
from lora_mixer_app.ui.tabs.runner import build_runner
from lora_mixer_app.ui.tabs.runs import Run, folder_for
from lora_mixer_app.ui.tabs.sheet_plan import KINDS, AxisChoice, plan_sheet
from lora_mixer_app.ui.words import word

SIDES = ("columns", "rows", "blocks_of_rows")
FIRST = ("strength", "0-1 [5]")


def build_sheets(studio: Studio, desk: Desk) -> None:
    """Lay out the tab."""
    gr.Markdown(word("sheets_help"))
    base = _base(studio)
    axes = [_axis(studio, side) for side in SIDES]
    without = gr.Checkbox(value=True, label=word("without"), info=word("without_hint"), elem_id="sheet-without")
    runner = build_runner(studio, desk, "sheet")

    def begin(*values: object) -> Run:
        given, chosen = values[: len(base)], values[len(base) :]
        plan = plan_sheet(_request(*given), _choices(*chosen[:-1]), without=bool(chosen[-1]))
        return Run(plan=plan, folder=folder_for(studio, "sheet"))

    runner.connect(begin, [*base, *(part for axis in axes for part in axis), without])


def _base(studio: Studio) -> tuple[gr.Textbox, gr.Textbox, gr.Number, gr.Slider, gr.Slider]:
    """Lay out what all cells have in common; an empty sheet begins with a sheet that works."""
    defaults = studio.mixer.models_file.defaults_for(studio.mixer.model_name)
    prompt = gr.Textbox(label=word("prompt"), value="red heart", lines=2, elem_id="sheet-prompt", interactive=True)
    negative = gr.Textbox(
        label=word("negative"), value=defaults.negative or "", elem_id="sheet-negative", interactive=True
    )
    with gr.Row():
        seed = gr.Number(1, label=word("seed"), precision=0, minimum=-1, elem_id="sheet-seed", interactive=True)
        steps = gr.Slider(
            1, 100, defaults.steps or 20, step=1, label=word("steps"), elem_id="sheet-steps", interactive=True
        )
        cfg = gr.Slider(1, 20, defaults.cfg or 7, step=0.5, label=word("cfg"), elem_id="sheet-cfg", interactive=True)
    return prompt, negative, seed, steps, cfg


def _axis(studio: Studio, side: str) -> tuple[gr.Dropdown, gr.Dropdown, gr.Textbox]:
    """Lay out one axis: what varies, which LoRA, which values."""
    names = [entry.name for entry in studio.mixer.library.entries]
    kind_now, values_now = FIRST if side == "columns" else ("", "")
    with gr.Row():
        kind = gr.Dropdown(
            [(word("vary_nothing"), ""), *((word(f"vary_{key}"), key) for key in KINDS)],
            value=kind_now,
            label=word(side),
            elem_id=f"sheet-{side}",
            interactive=True,
        )
        lora = gr.Dropdown(
            names,
            value=names[0] if names and kind_now else None,
            label=word("axis_lora"),
            elem_id=f"sheet-{side}-lora",
            visible=bool(kind_now),
            interactive=True,
        )
        values = gr.Textbox(
            value=values_now,
            label=word("axis_values"),
            info=word("axis_hint"),
            elem_id=f"sheet-{side}-values",
            interactive=True,
            scale=2,
        )
    kind.change(
        lambda chosen: gr.Dropdown(visible=chosen == "strength"), kind, lora, queue=False, api_visibility="private"
    )
    return kind, lora, values


def _request(*given: object) -> RenderRequest:
    prompt, negative, seed, steps, cfg = given
    whole = int(seed) if isinstance(seed, int | float) and seed >= 0 else None
    return RenderRequest(
        prompt=str(prompt or ""),
        negative=str(negative or ""),
        seed=whole,
        steps=int(steps) if isinstance(steps, int | float) else None,
        cfg=float(cfg) if isinstance(cfg, int | float) else None,
    )


def _choices(*given: object) -> list[AxisChoice]:
    triples = zip(given[::3], given[1::3], given[2::3], strict=True)
    return [
        AxisChoice(kind=str(kind or ""), lora=str(lora) if lora else None, values=str(values or ""))
        for kind, lora, values in triples
    ]
