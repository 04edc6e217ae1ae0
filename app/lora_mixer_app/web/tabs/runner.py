"""What every tab that renders many pictures shows: buttons, a line of progress, the cells, the sheet, the files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from PIL import Image

from lora_mixer.errors import RequestError
from lora_mixer.images import read_picture
from lora_mixer.request import RenderRequest
from lora_mixer_app.web.desk import Desk
from lora_mixer_app.web.i18n import said, word
from lora_mixer_app.web.notices import as_notice, as_text, without_folders
from lora_mixer_app.web.state import AppState, caller_of, owner_of
from lora_mixer_app.web.tabs.run_folders import PageRun, earlier_run, earlier_runs
from lora_mixer_app.web.tabs.runs import BATCH, ENDINGS, Pace, RunState, places_of, render_run, state_of

WIDEST = 12
PAGE, FRAME, HIGHEST = 1240, 40, 1100  # pixels
EMPTY, FAILED = (228, 229, 232), (236, 190, 184)

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
    pace: Pace

    def connect(self, begin: Begin, inputs: Sequence[Component]) -> None:
        """Let the buttons run what `begin` makes of the inputs' values, and go on with what was begun earlier."""

        def anew(request: gr.Request, batch: float, ending: str, *values: object) -> Iterator[tuple[object, ...]]:
            with as_notice():
                yield from self._run(request, lambda: begin(request, *values), int(batch), ending)

        def again(request: gr.Request, ending: str, name: str | None) -> Iterator[tuple[object, ...]]:
            with as_notice():
                yield from self._run(request, lambda: self._earlier(request, name), BATCH, ending)

        def cancel(request: gr.Request) -> None:
            self.state.session(request).cancel(self.kind)

        def look(request: gr.Request, name: str | None) -> tuple[object, ...]:
            with as_notice():
                return _shown(state_of(self._earlier(request, name)), self.state, request)

        def listed(request: gr.Request) -> gr.Dropdown:
            return gr.Dropdown(choices=earlier_runs(self.state, kind=self.kind, owner=owner_of(request)))

        running: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden", "api_visibility": "private"}
        quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        outputs = list(self.outputs)
        for button, listener, given in (
            (self.go, anew, [self.batch, self.ending, *inputs]),
            (self.resume, again, [self.ending, self.earlier]),
        ):
            button.click(listener, given, outputs, **running).then(listed, None, self.earlier, **quick)
        self.stop.click(cancel, None, None, **quick)
        self.earlier.input(look, [self.earlier], outputs, **quick)
        self.tabs.select(listed, None, self.earlier, **quick)

    def _run(
        self, request: gr.Request, begin: Callable[[], PageRun], batch: int, ending: str
    ) -> Iterator[tuple[object, ...]]:
        cancel = self.state.begin(request, self.kind)
        wanted = begin()
        for done in render_run(
            self.state, wanted, cancel=cancel, caller=caller_of(request), batch=batch, ending=ending
        ):
            yield _shown(done, self.state, request)
            self.pace.learn(done)

    def _earlier(self, request: gr.Request, name: str | None) -> PageRun:
        return earlier_run(self.state, name, kind=self.kind, owner=owner_of(request))


def build_runner(state: AppState, desk: Desk, kind: str) -> Runner:
    """Lay out the buttons and what a run shows; a click on a cell lays its settings on the desk."""
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
    with gr.Accordion(word("run_more"), open=False), gr.Row():
        batch = gr.Slider(1, 16, 4, step=1, label=word("batch"), info=word("batch_hint"), elem_id=f"{kind}-batch")
        ending = gr.Radio(list(ENDINGS), value=ENDINGS[0], label=word("ending"), elem_id=f"{kind}-ending")
    status = gr.Markdown(word("run_empty"), elem_id=f"{kind}-status")
    cells = gr.Gallery(
        label=word("cells"),
        elem_id=f"{kind}-cells",
        format="png",
        columns=4,
        height="auto",
        object_fit="contain",
        allow_preview=False,
        interactive=False,
    )
    with gr.Accordion(word("sheet_page"), open=False):
        sheet = gr.Image(
            label=word("sheet_page"),
            type="filepath",
            format="png",
            elem_id=f"{kind}-sheet",
            interactive=False,
            buttons=["download", "fullscreen"],
        )
    files = gr.File(label=word("files"), elem_id=f"{kind}-files", interactive=False, file_count="multiple", height=140)
    paths = gr.State([])
    desk.receive(cells.select, _settings_of_cell, [paths])
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
        outputs=(status, cells, sheet, files, paths),
        pace=Pace(),
    )


def _settings_of_cell(paths: list[str], event: gr.SelectData) -> RenderRequest:
    path = paths[event.index] if isinstance(event.index, int) and event.index < len(paths) else ""
    request = read_picture(Path(path)).request if path else None
    if request is None:
        raise RequestError("there is no picture in this place", remedy="Wait until it is finished.")
    return request


def _shown(done: RunState, state: AppState, request: gr.Request) -> tuple[object, ...]:
    """Return what the outputs of a runner show of a run: status, cells, sheet, files, paths."""
    run = done.run
    return (
        _status(done, request),
        gr.Gallery(value=_gallery(done, state), columns=min(run.columns, WIDEST), height=_height(run)),
        str(done.sheets[0]) if done.sheets else gr.skip(),
        [str(path) for path in (*done.sheets, done.archive) if path] if done.over else gr.skip(),
        places_of(done.pictures, len(run.plan.jobs)),
    )


def _status(done: RunState, request: gr.Request) -> str:
    values = {"done": len(done.pictures), "total": len(done.run.plan.jobs)}
    notes = "".join(f"\n\n{as_text(without_folders(note))}" for note in done.notes)
    if not done.over:
        left = f"{done.left:.0f}"
        return said(request, "run_status", percent=f"{done.fraction:.0%}", left=left, **values) + notes
    missing = values["total"] - values["done"]
    if missing:
        return said(request, "run_failed", failed=missing, folder=done.run.folder.name, **values) + notes
    return said(request, "run_done", seconds=f"{done.seconds:.1f}", **values) + notes


def _height(run: PageRun) -> int:
    """Return how high the cells stand where the page is wide; more than fits is scrolled."""
    return min(HIGHEST, run.rows * (PAGE // min(run.columns, WIDEST)) + FRAME)


def _gallery(done: RunState, state: AppState) -> list[tuple[str, str]]:
    """Return every place of a run with its label: the picture, a plain tile until there is one, or why there is none."""
    return [_tile_of(done, state, place) for place in range(len(done.run.plan.jobs))]


def _tile_of(done: RunState, state: AppState, place: int) -> tuple[str, str]:
    label = done.run.label(place)
    if place in done.failed and place not in done.pictures:
        return str(_tile(state, FAILED)), f"{label}: {without_folders(done.failed[place])}"
    return str(done.pictures.get(place) or _tile(state, EMPTY)), label


def _tile(state: AppState, colour: tuple[int, int, int]) -> Path:
    path = state.thumbs.folder / f"tile-{'-'.join(map(str, colour))}.png"
    if not path.exists():
        Image.new("RGB", (64, 64), colour).save(path)
    return path
