"""The sheet tab: pictures side by side that differ by LoRA strengths, words or numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gradio as gr

from lora_mixer.catalog import SameAdapter
from lora_mixer.errors import LoraMixerError
from lora_mixer.request import RenderRequest
from lora_mixer_app.web.component import seen_if
from lora_mixer_app.web.desk import Desk
from lora_mixer_app.web.desk.asked import heard_strips
from lora_mixer_app.web.i18n import label, said, value_said, word
from lora_mixer_app.web.misplaced import wrong_place
from lora_mixer_app.web.notices import error_in_words
from lora_mixer_app.web.state import AppState, owner_of
from lora_mixer_app.web.tabs.run_folders import PageRun, begin_run
from lora_mixer_app.web.tabs.runner import build_runner
from lora_mixer_app.web.tabs.sheet_plan import KINDS, SIDES, AxisChoice, plan_sheet

FIRST = ("strength", "0-1 [5]")
_OFFERED = (
    (Path(__file__).parents[1] / "static" / "tabs" / "offered.js").read_text(encoding="utf-8").rstrip().rstrip(";")
)
"""Chooses the desk's LoRA where none is chosen: in the browser, which alone knows that once the answer has come."""


def build_sheets(state: AppState, desk: Desk) -> None:
    """Lay out the tab."""
    gr.Markdown(word("sheets_help"))
    base = gr.Textbox(label=word("sheet_base"), lines=2, elem_id="sheet-base", interactive=False)
    axes, wrong = [], {}
    for side in SIDES:
        axes.append(_axis(state, side))
        wrong[side] = wrong_place(f"sheet-{side}", f"#sheet-{side}-values")
    without = gr.Checkbox(value=True, label=word("without"), info=word("without_hint"), elem_id="sheet-without")
    offer = gr.Textbox(visible="hidden")
    runner = build_runner(state, desk, "sheet")

    def show_base(request: gr.Request, document: object) -> list[object]:
        try:
            wish, heard = on_desk(desk, request, document), heard_strips(state, request, document)
        except LoraMixerError as error:
            return [f"⚠ {error_in_words(error, request)}", *(gr.skip() for _ in (offer, *loras))]
        names = [entry.name for entry in state.mixer.library.entries]
        first = next((strip.name for strip in heard if strip.name in names), "")
        return [in_words(wish, request), first, *(gr.Dropdown(choices=names) for _ in loras)]

    def begin(request: gr.Request, document: object, *chosen: object) -> PageRun:
        wish = on_desk(desk, request, document)
        same = SameAdapter(lambda: state.mixer.library)
        plan = plan_sheet(wish, _choices(*chosen[:-1]), without=bool(chosen[-1]), same=same)
        return begin_run(state, plan, kind="sheet", model=wish.model or "", owner=owner_of(request))

    loras = [lora for _, lora, _ in axes]
    desk.tabs.select(
        show_base,
        [desk.document],
        [base, offer, *loras],
        queue=False,
        trigger_mode="always_last",
        show_progress="hidden",
        api_visibility="private",
    ).then(None, [offer, *loras], loras, js=_OFFERED, show_progress="hidden", api_visibility="private")
    runner.connect(begin, [desk.document, *(part for axis in axes for part in axis), without], wrong)


def on_desk(desk: Desk, request: gr.Request, document: object) -> RenderRequest:
    """Return what a browser tab's desk asks for: a negative seed is left open, so that a sheet shares one.

    Raises:
        RequestError: The desk shows something impossible.
    """
    asked = desk.asked(request, document)
    return replace(asked, seed=None if asked.seed is None or asked.seed < 0 else asked.seed)


def in_words(wish: RenderRequest, request: gr.Request) -> str:
    """Return what all cells have in common, for its reader's eyes."""
    mix = [f"{use.name} {use.strength.denoiser:g}" for use in wish.loras]
    schedule = value_said(request, "schedule", wish.schedule) if wish.schedule else None
    given = (("seed", wish.seed), ("steps", wish.steps), ("cfg", wish.cfg), ("", wish.sampler), ("", schedule))
    facts = [f"{name and label(request, name)} {value}".strip() for name, value in given if value is not None]
    return f"{wish.prompt}\n{said(request, 'comma').join([*mix, *facts])}"


def _axis(state: AppState, side: str) -> tuple[gr.Dropdown, gr.Dropdown, gr.Textbox]:
    """Lay out one axis: what varies, which LoRA, which values."""
    names = [entry.name for entry in state.mixer.library.entries]
    kind_now, values_now = FIRST if side == "columns" else ("", "")
    with gr.Row():
        kind = gr.Dropdown(
            [(word("vary_nothing"), ""), *((word(f"vary_{key}"), key) for key in KINDS)],
            value=kind_now,
            label=word(side),
            elem_id=f"sheet-{side}",
            interactive=True,
            min_width=240,
        )
        lora = gr.Dropdown(
            names,
            value=None,  # the desk's own, once the tab is looked at; never just the first of the library
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
            min_width=240,
            visible=seen_if(kind_now),
        )
    kind.change(_asked_of, kind, [lora, values], queue=False, api_visibility="private")
    return kind, lora, values


def _asked_of(kind: str) -> tuple[gr.Dropdown, gr.Textbox]:
    """Return which fields an axis has: a LoRA where its strength varies, values where anything does."""
    return gr.Dropdown(visible=kind == "strength"), gr.Textbox(visible=seen_if(kind))


def _choices(*given: object) -> list[AxisChoice]:
    triples = zip(given[::3], given[1::3], given[2::3], strict=True)
    return [
        AxisChoice(kind=str(kind or ""), lora=str(lora) if lora else None, values=str(values or ""))
        for kind, lora, values in triples
    ]
