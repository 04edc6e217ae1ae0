"""The prompt file tab: an editor says what is wrong under each line, a table what would be rendered, a run renders it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from lora_mixer.catalog import SameAdapter, same_spelling
from lora_mixer.errors import ConfigError, LoraMixerError, RequestError
from lora_mixer.promptfile import PlannedJob, PromptFile
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.runs.origin import on_model
from lora_mixer_app.web.component import own_component
from lora_mixer_app.web.desk import Desk
from lora_mixer_app.web.i18n import said, word
from lora_mixer_app.web.notices import error_in_words, language_of, line_in_words
from lora_mixer_app.web.state import AppState, owner_of
from lora_mixer_app.web.tabs.dry_run import Check, check_jobs
from lora_mixer_app.web.tabs.run_folders import PageRun, begin_run
from lora_mixer_app.web.tabs.runner import build_runner

FORMS = frozenset({".toml", ".txt", ".csv", ".tsv", ".jsonl"})
MOST_PICTURES = 1000
LONGEST_CELL = 300

Row = list[str]
Form = dict[str, Any]


def build_prompt_file(state: AppState, desk: Desk) -> None:
    """Lay out the tab."""
    gr.Markdown(word("prompt_file_help"))
    editor = own_component("tabs/editor.js", elem_id="batch-editor")
    told = own_component("tabs/plan.js", elem_id="batch-plan")
    runner = build_runner(state, desk, "batch")

    def dry_run(request: gr.Request, given: object) -> Form:
        text, form = _given(given)
        if not text.strip():
            return {}
        try:
            plan = read_text(text, form, SameAdapter(lambda: state.mixer.library))
        except LoraMixerError as error:
            what = error_in_words(error, request)
            return {"text": text, "summary": what, "rows": [], "remarks": [remark_of(error, request)]}
        plan = on_model(plan, state.model(request).name)
        check = check_jobs(state.mixer, plan, say=partial(error_in_words, request=request))
        return {
            "text": text,
            "summary": _summary(request, plan, check, runner.pace.seconds(check.work)),
            "rows": rows_of(plan, check, say=partial(line_in_words, request=request)),
            "remarks": remarks_of(plan, check, say=partial(line_in_words, request=request)),
        }

    def begin(request: gr.Request, given: object) -> PageRun:
        text, form = _given(given)
        if not text.strip():
            raise RequestError("there is no prompt", remedy="Write one a line above, or open a file.")
        plan = read_text(text, form, SameAdapter(lambda: state.mixer.library))
        return begin_run(state, plan, kind="batch", model=state.model(request).name, owner=owner_of(request))

    editor.change(
        dry_run, [editor], [told], trigger_mode="always_last", show_progress="hidden", api_visibility="private"
    )
    runner.connect(begin, [editor])


def _given(value: object) -> tuple[str, str]:
    """Return the text of an editor, and the ending that names its form."""
    table = value if isinstance(value, dict) else {}
    form = str(table.get("form") or ".txt")
    return str(table.get("text") or ""), form if form in FORMS else ".txt"


def read_text(text: str, form: str, same: Callable[[str, str], bool] = same_spelling) -> PromptFile:
    """Read a prompt file that somebody wrote or opened.

    Args:
        text: What stands in it.
        form: The ending that names its form, such as `.toml`.
        same: Tells whether two names are one LoRA's.

    Raises:
        LoraMixerError: What `read_prompt_text` raises, or there are too many pictures for the page.
    """
    plan = read_prompt_text(text, Path(f"prompts{form}"), same=same)
    if len(plan.jobs) > MOST_PICTURES:
        raise ConfigError(
            f"{len(plan.jobs)} pictures",
            remedy=f"The page renders {MOST_PICTURES} at most; `lora-mixer render` takes more.",
        )
    return plan


def remarks_of(plan: PromptFile, check: Check, say: Callable[[str], str] = str) -> list[Form]:
    """Return what there is to say about lines: what was not done as written, and pictures that cannot be rendered."""
    told = {(line.line, say(line.what)): line.skipped for line in plan.problems}
    told |= {(plan.jobs[place].line, what): True for place, what in check.failed.items()}
    return [{"line": line, "what": what, "failed": failed} for (line, what), failed in sorted(told.items())]


def remark_of(error: LoraMixerError, request: gr.Request | None = None) -> Form:
    """Return an error about a whole file at the line it names, else at the first."""
    line = re.search(r":(\d+)(?::\d+)?$|line (\d+)", error.where or error.what)
    what = ". ".join(part for part in (error.what, error.remedy) if part)
    return {"line": int(line[1] or line[2]) if line else 1, "what": line_in_words(what, request), "failed": True}


def _summary(request: gr.Request, plan: PromptFile, check: Check, seconds: float | None) -> str:
    counts = {"pictures": len(plan.jobs), "failed": len(check.failed), "problems": len(plan.problems)}
    told = [said(request, f"dry_run_{what}", count=count) for what, count in counts.items() if count]
    known = {} if seconds is None else {"seconds": f"{max(seconds, 1):.0f}"}
    told.append(said(request, "time_known" if known else "time_unknown", **known))
    return ("" if language_of(request) == "zh" else " ").join(told)


def rows_of(plan: PromptFile, check: Check, say: Callable[[str], str] = str) -> list[Row]:
    """Return the table of a dry run: a row a picture, and one for every line that was not done as written."""
    rows = [_row(job, check.mixes.get(place, ""), _note(check, place, say)) for place, job in enumerate(plan.jobs)]
    left_out = [
        [str(line.line), "", line.text[:LONGEST_CELL], "", "", "", f"{'✗' if line.skipped else '!'} {say(line.what)}"]
        for line in plan.problems
    ]
    return sorted(rows + left_out, key=lambda row: int(row[0]))


def _note(check: Check, place: int, say: Callable[[str], str]) -> str:
    return f"✗ {check.failed[place]}" if place in check.failed else "; ".join(map(say, check.notes[place]))


def _row(job: PlannedJob, mix: str, note: str) -> Row:
    request = job.request
    seed, steps = ("" if value is None else str(value) for value in (request.seed, request.steps))
    name = "" if job.name == request.prompt else job.name
    return [str(job.line), name[:LONGEST_CELL], request.prompt[:LONGEST_CELL], mix, seed, steps, note]
