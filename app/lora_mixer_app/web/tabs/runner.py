"""What every tab that renders many pictures shows: buttons, a line of progress, the cells, the sheet, the files."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import gradio as gr
from gradio.components import Component

from lora_mixer.errors import LoraMixerError, RequestError
from lora_mixer.images import read_picture
from lora_mixer.request import RenderRequest
from lora_mixer_app.web.component import own_component, seen_if
from lora_mixer_app.web.desk import Desk
from lora_mixer_app.web.i18n import said, word
from lora_mixer_app.web.links import link_to
from lora_mixer_app.web.misplaced import Places, WrongField, in_field, wrong_place
from lora_mixer_app.web.notices import as_text, line_in_words
from lora_mixer_app.web.state import AppState, caller_of, owner_of
from lora_mixer_app.web.tabs.cell_labels import labels_in_words
from lora_mixer_app.web.tabs.run_folders import PageRun, earlier_run, earlier_runs
from lora_mixer_app.web.tabs.runs import BATCH, ENDINGS, Pace, RunState, render_run, state_of

Begin = Callable[..., PageRun]
"""Makes the run that somebody asks for, of their request and the values of a tab's inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """The laid-out part of a page."""

    kind: str
    state: AppState
    tabs: gr.Tabs
    go: gr.Button
    stop: gr.Button
    earlier: gr.Dropdown
    resume: gr.Button
    batch: gr.Slider
    ending: gr.Radio
    outputs: Sequence[Component]
    wrong: Mapping[str, Component]
    pace: Pace

    def connect(
        self, begin: Begin, inputs: Sequence[Component], wrong: Mapping[str, Component] = MappingProxyType({})
    ) -> None:
        """Let the buttons run what `begin` makes of the inputs' values, and go on with what was begun earlier.

        Args:
            begin: What makes a run.
            inputs: What is handed to it.
            wrong: Lines beside fields, by the names that `begin` gives errors (`in_field`).
        """
        places = Places({**self.wrong, **wrong})

        def anew(request: gr.Request, batch: float, ending: str, *values: object) -> Iterator[tuple[object, ...]]:
            yield from self._run(request, places, lambda: begin(request, *values), int(batch), ending)

        def again(request: gr.Request, ending: str, name: str | None) -> Iterator[tuple[object, ...]]:
            yield from self._run(request, places, lambda: self._earlier(request, name), BATCH, ending)

        def cancel(request: gr.Request) -> None:
            self.state.session(request).cancel(self.kind)

        def look(request: gr.Request, name: str | None) -> tuple[object, ...]:
            try:
                return *_shown(state_of(self._earlier(request, name)), request), *places.clear()
            except (LoraMixerError, WrongField) as error:
                return *self._kept(), *places.told(error, request)

        def listed(request: gr.Request) -> gr.Dropdown:
            return gr.Dropdown(choices=earlier_runs(self.state, kind=self.kind, owner=owner_of(request)))

        running: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden", "api_visibility": "private"}
        quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        outputs = [*self.outputs, *places.lines]
        for button, listener, given in (
            (self.go, anew, [self.batch, self.ending, *inputs]),
            (self.resume, again, [self.ending, self.earlier]),
        ):
            button.click(listener, given, outputs, **running).then(listed, None, self.earlier, **quick)
        self.stop.click(cancel, None, None, **quick)
        self.earlier.select(look, [self.earlier], outputs, **quick)
        self.tabs.select(listed, None, self.earlier, **quick)

    def _run(
        self, request: gr.Request, places: Places, begin: Callable[[], PageRun], batch: int, ending: str
    ) -> Iterator[tuple[object, ...]]:
        cancel, caller = self.state.begin(request, self.kind), caller_of(request)
        try:
            wanted = begin()
            for done in render_run(self.state, wanted, cancel=cancel, caller=caller, batch=batch, ending=ending):
                yield *_shown(done, request), *places.clear()
                self.pace.learn(done)
        except (LoraMixerError, WrongField) as error:
            yield *self._kept(), *places.told(error, request)

    def _kept(self) -> tuple[object, ...]:
        """Return what leaves the outputs as they are."""
        return tuple(gr.skip() for _ in self.outputs)

    def _earlier(self, request: gr.Request, name: str | None) -> PageRun:
        with in_field("earlier"):
            return earlier_run(self.state, name, kind=self.kind, owner=owner_of(request))


def build_runner(state: AppState, desk: Desk, kind: str) -> Runner:
    """Lay out the buttons and what a run shows: its pictures come large, and from there their settings to the desk."""
    with gr.Row():
        go = gr.Button(word("run"), variant="primary", elem_id=f"{kind}-go")
        stop = gr.Button(word("cancel"), elem_id=f"{kind}-stop")
        earlier = gr.Dropdown(
            [],
            value=None,
            label=word("earlier_runs"),
            info=word("earlier_runs_hint"),
            elem_id=f"{kind}-earlier",
            interactive=True,
        )
        resume = gr.Button(word("resume"), elem_id=f"{kind}-resume")
    wrong = {"run": wrong_place(kind), "earlier": wrong_place(f"{kind}-earlier", f"#{kind}-earlier")}
    with gr.Accordion(word("run_more"), open=False), gr.Row():
        batch = gr.Slider(1, 16, 4, step=1, label=word("batch"), info=word("batch_hint"), elem_id=f"{kind}-batch")
        ending = gr.Radio(list(ENDINGS), value=ENDINGS[0], label=word("ending"), elem_id=f"{kind}-ending")
    status = gr.Markdown(word("run_empty"), elem_id=f"{kind}-status")
    cells = own_component("tabs/cells.js", elem_id=f"{kind}-cells")
    with gr.Accordion(word("sheet_page"), open=False, visible="hidden") as page:
        sheet = gr.Image(
            label=word("sheet_page"),
            type="filepath",
            format="png",
            elem_id=f"{kind}-sheet",
            interactive=False,
            buttons=["download", "fullscreen"],
        )
    files = gr.File(
        label=word("files"),
        elem_id=f"{kind}-files",
        interactive=False,
        file_count="multiple",
        height=140,
        visible="hidden",
    )

    def settings(request: gr.Request, event: gr.EventData) -> RenderRequest:
        sent = event._data  # noqa: SLF001 how Gradio hands on what a script sent
        run = earlier_run(state, str(sent["run"]), kind=kind, owner=owner_of(request))
        return _settings_of(state_of(run).pictures.get(int(sent["place"])))

    desk.receive(cells.submit, settings)
    return Runner(
        kind=kind,
        state=state,
        tabs=desk.tabs,
        go=go,
        stop=stop,
        earlier=earlier,
        resume=resume,
        batch=batch,
        ending=ending,
        outputs=(status, cells, page, sheet, files),
        wrong=wrong,
        pace=Pace(),
    )


def _settings_of(path: Path | None) -> RenderRequest:
    request = read_picture(path).request if path else None
    if request is None:
        raise RequestError("there is no picture in this place", remedy="Wait until it is finished.")
    return request


def _shown(done: RunState, request: gr.Request) -> tuple[object, ...]:
    """Return what the outputs of a runner show of a run: status, cells, the sheet and its fold, files."""
    told = _status(done, request), cells_of(done, request)
    if not done.over:  # the sheet and the files of the run before stay until then
        return *told, gr.skip(), gr.skip(), gr.skip()
    files = [str(path) for path in (*done.sheets, done.archive) if path]
    sheet = str(done.sheets[0]) if done.sheets else None
    return *told, gr.Accordion(visible=seen_if(sheet)), sheet, gr.File(files, visible=seen_if(files))


def _status(done: RunState, request: gr.Request) -> str:
    values = {"done": len(done.pictures), "total": len(done.run.plan.jobs)}
    notes = "".join(f"\n\n{as_text(line_in_words(note, request))}" for note in done.notes)
    if not done.over:
        left = f"{done.left:.0f}"
        return said(request, "run_status", percent=f"{done.fraction:.0%}", left=left, **values) + notes
    missing = values["total"] - values["done"]
    if missing:
        return said(request, "run_failed", failed=missing, folder=done.run.folder.name, **values) + notes
    return said(request, "run_done", seconds=f"{done.seconds:.1f}", **values) + notes


def cells_of(done: RunState, request: gr.Request) -> dict[str, Any]:
    """Return the places of a run for `static/tabs/cells.js`, each with its picture, or why there is none."""
    run = done.run
    in_words = labels_in_words(run.plan.sheet, request)
    places = enumerate(run.plan.jobs)
    cells = [
        {
            "row": job.row,
            "column": job.column,
            "title": in_words(run.label(place)),
            "url": link_to(done.pictures[place]) if place in done.pictures else None,
            "failed": line_in_words(done.failed[place], request) if place in done.failed else None,
        }
        for place, job in places
    ]
    blocks = blocks_of(run)
    rows = [label.removeprefix(f"{name}, ") if name else label for name, labels in blocks for label in labels]
    return {
        "run": run.folder.name,
        "columns": list(map(in_words, run.plan.sheet.columns)) or [""] * run.columns,
        "rows": list(map(in_words, rows)),
        "blocks": [{"name": in_words(name), "rows": len(labels)} for name, labels in blocks],
        "cells": cells,
    }


def blocks_of(run: PageRun) -> list[tuple[str, list[str]]]:
    """Return the blocks of rows that come from one entry of the prompt file: what each is called, and its rows' labels."""
    labels = run.plan.sheet.rows
    if not labels:
        return [("", [""] * run.rows)]
    lines = {job.row: job.line for job in run.plan.jobs}
    blocks = [[labels[row] for row in rows] for _, rows in itertools.groupby(sorted(lines), key=lambda row: lines[row])]
    return [(_called(block) if len(blocks) > 1 else "", block) for block in blocks]


def _called(labels: list[str]) -> str:
    """Return what the labels of a block begin with, up to a comma; nothing for a block of one row.

    >>> _called(["red, seed 1", "red, seed 2"])
    'red'
    """
    alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*labels, strict=False))
    return "".join(letters[0] for letters in alike).rpartition(", ")[0] if len(labels) > 1 else ""
