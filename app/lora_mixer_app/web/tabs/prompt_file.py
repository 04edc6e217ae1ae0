"""The prompt file tab: a file goes up, a table says what would be rendered, a run brings pictures and a zip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gradio as gr

from lora_mixer.catalog import SameAdapter, same_spelling
from lora_mixer.errors import ConfigError, LoraMixerError, RequestError
from lora_mixer.promptfile import PlannedJob, PromptFile, read_prompt_file
from lora_mixer.runs.origin import on_model
from lora_mixer_app.web.desk import Desk
from lora_mixer_app.web.i18n import said, word
from lora_mixer_app.web.notices import as_notice
from lora_mixer_app.web.state import AppState, owner_of
from lora_mixer_app.web.tabs.dry_run import Check, check_jobs
from lora_mixer_app.web.tabs.run_folders import PageRun, begin_run
from lora_mixer_app.web.tabs.runner import build_runner
from lora_mixer_app.web.tabs.tables import text_table

SUFFIXES = [".toml", ".txt", ".csv", ".tsv", ".jsonl"]
MOST_PICTURES = 1000
HEADERS = ["line", "name", "prompt", "LoRAs", "seed", "steps", "notes"]
WIDTHS: list[str | int] = ["7%", "15%", "26%", "15%", "10%", "7%", "20%"]
LONGEST_CELL = 300

Row = list[str]


def build_prompt_file(state: AppState, desk: Desk) -> None:
    """Lay out the tab."""
    gr.Markdown(word("prompt_file_help"))
    file = gr.File(label=word("prompt_file_drop"), file_types=SUFFIXES, type="filepath", elem_id="batch-file")
    summary = gr.Markdown(word("prompt_file_empty"), elem_id="batch-summary")
    table = text_table("dry_run", HEADERS, "batch-table", widths=WIDTHS)
    runner = build_runner(state, desk, "batch")

    def dry_run(path: str | None, request: gr.Request) -> tuple[object, list[Row]]:
        if not path:
            return said(request, "prompt_file_empty"), []
        with as_notice():
            plan = read_upload(Path(path), SameAdapter(lambda: state.mixer.library))
            plan = on_model(plan, state.model(request).name)
            check = check_jobs(state.mixer, plan)
        counts = {"pictures": len(plan.jobs), "failed": len(check.failed), "problems": len(plan.problems)}
        seconds = runner.pace.seconds(check.work)
        time = (
            said(request, "time_unknown") if seconds is None else said(request, "time_known", seconds=f"{seconds:.0f}")
        )
        return said(request, "dry_run_says", time=time, **counts), rows_of(plan, check)

    def begin(request: gr.Request, path: str | None) -> PageRun:
        if not path:
            raise RequestError("there is no prompt file", remedy="Drop one above first.")
        plan = read_upload(Path(path), SameAdapter(lambda: state.mixer.library))
        return begin_run(state, plan, kind="batch", model=state.model(request).name, owner=owner_of(request))

    file.change(dry_run, [file], [summary, table], show_progress="minimal", api_visibility="private")
    runner.connect(begin, [file])


def read_upload(path: Path, same: Callable[[str, str], bool] = same_spelling) -> PromptFile:
    """Read a prompt file that somebody sent; errors name the file as they know it.

    Args:
        path: Where it lies.
        same: Tells whether two names are one LoRA's.

    Raises:
        LoraMixerError: What `read_prompt_file` raises, or there are too many pictures for the page.
    """
    try:
        plan = read_prompt_file(path, same=same)
    except LoraMixerError as error:
        where = (error.where or "").replace(str(path), path.name)
        raise ConfigError(error.what, where=where or None, remedy=error.remedy) from error
    if len(plan.jobs) > MOST_PICTURES:
        raise ConfigError(
            f"{len(plan.jobs)} pictures",
            where=path.name,
            remedy=f"The page renders {MOST_PICTURES} at most; `lora-mixer render` takes more.",
        )
    return replace(plan, path=Path(path.name))


def rows_of(plan: PromptFile, check: Check) -> list[Row]:
    """Return the table of a dry run: a row a picture, and one for every line that was not done as written."""
    rows = [_row(job, check.mixes.get(place, ""), _note(check, place)) for place, job in enumerate(plan.jobs)]
    left_out = [
        [str(line.line), "", line.text[:LONGEST_CELL], "", "", "", f"{'✗' if line.skipped else '!'} {line.what}"]
        for line in plan.problems
    ]
    return sorted(rows + left_out, key=lambda row: int(row[0]))


def _note(check: Check, place: int) -> str:
    return f"✗ {check.failed[place]}" if place in check.failed else "; ".join(check.notes[place])


def _row(job: PlannedJob, mix: str, note: str) -> Row:
    request = job.request
    seed, steps = ("" if value is None else str(value) for value in (request.seed, request.steps))
    name = "" if job.name == request.prompt else job.name
    return [str(job.line), name[:LONGEST_CELL], request.prompt[:LONGEST_CELL], mix, seed, steps, note]
