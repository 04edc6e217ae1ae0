"""The inspect tab: what LoRAs are, where they act, how much, and what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from lora_mixer import Mixer
from lora_mixer.blend import Overlap
from lora_mixer.errors import LoraMixerError, RequestError
from lora_mixer.mapping import Fate, MappingReport
from lora_mixer.promptfile.ranges import numbers
from lora_mixer_app.web.component import own_component
from lora_mixer_app.web.desk import Desk
from lora_mixer_app.web.desk.asked import heard_strips
from lora_mixer_app.web.i18n import said, word
from lora_mixer_app.web.misplaced import Places, WrongField, in_field, wrong_place
from lora_mixer_app.web.notices import line_in_words
from lora_mixer_app.web.state import AppState
from lora_mixer_app.web.tabs.tables import filled, text_table

MOST_LORAS = 8
LONGEST_VALUE = 500
MOST_ROWS = 500
WORDS_SHOWN = 20
PLACES = ("head_lora", "head_section", "head_modules", "head_kinds", "head_ranks")
TENSORS = ("head_lora", "head_tensor", "head_fate", "head_reason")
METADATA = ("head_lora", "head_key", "head_value")

Row = list[str]


def build_inspect(state: AppState, desk: Desk) -> None:
    """Lay out the tab."""
    mixer = state.mixer
    gr.Markdown(word("inspect_help"))
    chosen, strengths, go, take = _lay_choice(mixer)
    places = Places(
        {
            "loras": wrong_place("inspect-pick", "#inspect-pick"),
            "strengths": wrong_place("inspect-strengths", "#inspect-strengths"),
        }
    )
    shown = _lay_results()

    def look(names: list[str] | None, typed: str, request: gr.Request) -> tuple[object, ...]:
        try:
            return *_looked_at(state, names or [], typed, request), *places.clear()
        except (LoraMixerError, WrongField) as error:
            return *(gr.skip() for _ in shown), *places.told(error, request)

    def from_desk(request: gr.Request, document: object) -> tuple[object, ...]:
        heard: dict[str, float] = {}
        try:
            strips = heard_strips(state, request, document)
        except LoraMixerError as error:
            return gr.skip(), gr.skip(), *places.told(error, request)
        for strip in strips:
            heard[strip.name] = heard.get(strip.name, 0.0) + strip.denoiser
        names = list(heard)[:MOST_LORAS]
        return names, ", ".join(f"{heard[name]:g}" for name in names) or "1", *places.clear()

    desks = [chosen, strengths, *places.lines]
    take.click(from_desk, desk.document, desks, show_progress="hidden", api_visibility="private")
    go.click(
        look,
        [chosen, strengths],
        [*shown, *places.lines],
        show_progress="minimal",
        api_visibility="private",
    )


def _lay_choice(mixer: Mixer) -> tuple[gr.Dropdown, gr.Textbox, gr.Button, gr.Button]:
    """Lay out which LoRAs at which strengths, and the buttons that look and that take the desk's."""
    with gr.Row():
        chosen = gr.Dropdown(
            [entry.name for entry in mixer.library.entries],
            multiselect=True,
            max_choices=MOST_LORAS,
            label=word("loras"),
            elem_id="inspect-pick",
            interactive=True,
            scale=3,
            min_width=240,
        )
        strengths = gr.Textbox(
            value="1",
            label=word("inspect_strengths"),
            info=word("inspect_strengths_hint"),
            elem_id="inspect-strengths",
            min_width=240,
        )
        with gr.Column(min_width=160):
            go = gr.Button(word("inspect_go"), variant="primary", elem_id="inspect-go")
            take = gr.Button(word("inspect_take"), elem_id="inspect-take")
    return chosen, strengths, go, take


def _looked_at(state: AppState, names: list[str], typed: str, request: gr.Request) -> tuple[object, ...]:
    """Return what is to be seen of LoRAs at strengths that somebody typed, in the order of `_lay_results`.

    Raises:
        WrongField: The strengths are none.
        LoraMixerError: There is no LoRA, or one cannot be read.
    """
    mixer = state.mixer
    if not names:
        raise RequestError("no LoRA is chosen", remedy="Choose one or more above.")
    with in_field("strengths"):
        factors = strengths_of(typed, len(names))
    model = state.model(request).name
    reports = [mixer.inspect(name, model=model) for name in names]
    overlap = mixer.overlap(names, model=model)
    say = partial(line_in_words, request=request)
    lines = [
        *(_warning(note, say) for note in overlap.warnings(factors)),
        said(request, "inspect_mix", **_mix(overlap, factors)),
    ]
    lines += [say(line) for report, name in zip(reports, names, strict=True) for line in _about(mixer, report, name)]
    return (
        "\n".join(lines),
        plots_of(overlap),
        filled(place_rows(reports)),
        filled(left_rows(reports, say=say)),
        filled(metadata_rows(mixer, names)),
    )


def _lay_results() -> list[Component]:
    """Lay out what `look` fills, in its order."""
    summary = gr.Textbox(
        label=word("inspect_summary"), value="", placeholder=word("inspect_empty"), lines=4, elem_id="inspect-summary"
    )
    plots = own_component("tabs/plots.js", elem_id="inspect-plots")
    places = text_table("inspect_places", PLACES, "inspect-places")
    left = text_table("inspect_left", TENSORS, "inspect-left")
    metadata = text_table("inspect_metadata", METADATA, "inspect-metadata")
    return [summary, plots, places, left, metadata]


def strengths_of(typed: str, count: int) -> tuple[float, ...]:
    """Return one strength a LoRA; a single number counts for all.

    Raises:
        RequestError, ConfigError: They are no numbers, or too many or few.
    """
    given = numbers(typed.strip() or "1")
    if len(given) not in {1, count}:
        raise RequestError(
            f"{len(given)} strengths for {count} LoRAs", remedy="Write one for all of them, or one for each."
        )
    return given * count if len(given) == 1 else given


def place_rows(reports: Sequence[MappingReport]) -> list[Row]:
    """Return where the LoRAs act: a row a section that one of them changes."""
    return [
        [
            report.name,
            count.section,
            f"{count.modules}/{count.of}",
            ", ".join(count.kinds),
            ", ".join(map(str, count.ranks)),
        ]
        for report in reports
        for count in report.sections
        if count.modules
    ]


def left_rows(reports: Sequence[MappingReport], say: Callable[[str], str] = str) -> list[Row]:
    """Return the tensors that do not act, each with its reason; `say` words it."""
    rows = [
        [report.name, entry.key, say(entry.fate.value), say(entry.reason)]
        for report in reports
        for entry in report.entries
        if entry.fate is not Fate.APPLIED
    ]
    return rows[:MOST_ROWS]


def metadata_rows(mixer: Mixer, names: Sequence[str]) -> list[Row]:
    """Return the metadata as written by whoever made the files: plain text, cut where it is long."""
    rows = [
        [name, key, value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…"]
        for name in names
        for key, value in sorted(mixer.library.find(name).metadata.items())
    ]
    return rows[:MOST_ROWS]


def _warning(note: str, say: Callable[[str], str]) -> str:
    told = say(note)
    return f"⚠ {note[:1].upper()}{note[1:]}." if told == note else f"⚠ {told}"


def _about(mixer: Mixer, report: MappingReport, name: str) -> list[str]:
    words = ", ".join(mixer.library.find(name).trained_words[:WORDS_SHOWN])
    return [*report.sentences(), *([f"Trained words of {name}: {words}."] if words else [])]


def _mix(overlap: Overlap, strengths: Sequence[float]) -> dict[str, object]:
    return {"size": f"{overlap.together(strengths):.1%}", "load": f"{overlap.load(strengths):.2f}"}


def plots_of(overlap: Overlap) -> dict[str, Any]:
    """Return sizes by block, and for several LoRAs the cosine of every pair and the same by block: `static/tabs/plots.js`."""
    places, names, blocks = range(len(overlap.names)), list(overlap.names), list(overlap.blocks)
    shown: dict[str, Any] = {
        "names": names,
        "blocks": blocks,
        "sizes": [[overlap.size(i, block) for block in blocks] for i in places],
        "pairs": None,
        "byBlock": None,
    }
    if len(names) > 1:
        pairs = list(overlap.pairs())
        cosines = [[overlap.cosine(i, j) for j in places] for i in places]
        by_block = [[overlap.cosine(i, j, block) for i, j in pairs] for block in blocks]
        called = [f"{names[i]} + {names[j]}" for i, j in pairs]
        shown["pairs"] = {"rows": names, "columns": names, "values": cosines}
        shown["byBlock"] = {"rows": blocks, "columns": called, "values": by_block}
    return shown
