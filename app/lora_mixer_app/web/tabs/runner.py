"""What every tab that renders many pictures shows: buttons, a line of progress, the cells, the sheet, the files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from gradio.components import Component
from PIL import Image

from lora_mixer.errors import RequestError
from lora_mixer.images import read_picture
from lora_mixer.request import RenderRequest
from lora_mixer_app.web.desk import Desk
from lora_mixer_app.web.i18n import said, word
from lora_mixer_app.web.notices import as_notice
from lora_mixer_app.web.state import AppState, caller_of
from lora_mixer_app.web.tabs.runs import ENDINGS, Pace, PageRun, places_of, render_plan

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
    go: gr.Button
    stop: gr.Button
    batch: gr.Slider
    ending: gr.Radio
    outputs: Sequence[Component]
    pace: Pace

    def connect(self, begin: Begin, inputs: Sequence[Component]) -> None:
        """Let the buttons run what `begin` makes of the inputs' values."""

        def run(request: gr.Request, batch: float, ending: str, *values: object) -> Iterator[tuple[object, ...]]:
            with as_notice():
                cancel = self.state.begin(request, self.kind)
                wanted = begin(request, *values)
                who = caller_of(request)
                for state in render_plan(
                    self.state, wanted, cancel=cancel, caller=who, batch=int(batch), ending=ending
                ):
                    yield _shown(state, request)
                self.pace.learn(wanted)

        def cancel(request: gr.Request) -> None:
            self.state.session(request).cancel(self.kind)

        self.go.click(
            run,
            [self.batch, self.ending, *inputs],
            list(self.outputs),
            concurrency_limit=None,
            show_progress="hidden",
            api_visibility="private",
        )
        self.stop.click(cancel, None, None, queue=False, api_visibility="private")


def build_runner(state: AppState, desk: Desk, kind: str) -> Runner:
    """Lay out the buttons and what a run shows; a click on a cell lays its settings on the desk."""
    with gr.Row():
        go = gr.Button(word("run"), variant="primary", elem_id=f"{kind}-go")
        stop = gr.Button(word("cancel"), elem_id=f"{kind}-stop")
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
        go=go,
        stop=stop,
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


def _shown(run: PageRun, request: gr.Request) -> tuple[object, ...]:
    """Return what the outputs of a runner show of a run: status, cells, sheet, files, paths."""
    ended = run.archive is not None
    return (
        _status(run, request),
        gr.Gallery(value=_gallery(run), columns=min(run.columns, WIDEST), height=_height(run)),
        str(run.sheets[0]) if run.sheets else gr.skip(),
        [str(path) for path in (*run.sheets, run.archive) if path] if ended else gr.skip(),
        places_of(run.pictures, len(run.plan.jobs)),
    )


def _status(run: PageRun, request: gr.Request) -> str:
    values = {"done": len(run.pictures), "total": len(run.plan.jobs)}
    if run.archive is None and not run.failed:
        return said(request, "run_status", percent=f"{run.fraction:.0%}", left=f"{run.left:.0f}", **values)
    if run.failed:
        return said(request, "run_failed", failed=len(run.failed), **values)
    return said(request, "run_done", seconds=f"{run.seconds:.1f}", **values)


def _height(run: PageRun) -> int:
    """Return how high the cells stand where the page is wide; more than fits is scrolled."""
    rows = max(job.row for job in run.plan.jobs) + 1
    return min(HIGHEST, rows * (PAGE // min(run.columns, WIDEST)) + FRAME)


def _gallery(run: PageRun) -> list[tuple[str, str]]:
    """Return every place of a run with its label: the picture, a plain tile until there is one, or why there is none."""
    return [_tile_of(run, place) for place in range(len(run.plan.jobs))]


def _tile_of(run: PageRun, place: int) -> tuple[str, str]:
    if place in run.failed:
        return str(_tile(run, FAILED)), f"{run.label(place)}: {run.failed[place]}"
    return str(run.pictures.get(place) or _tile(run, EMPTY)), run.label(place)


def _tile(run: PageRun, colour: tuple[int, int, int]) -> Path:
    path = run.folder / f"tile-{'-'.join(map(str, colour))}.png"
    if not path.exists():
        Image.new("RGB", (64, 64), colour).save(path)
    return path
