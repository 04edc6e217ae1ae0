"""What the server knows of a document that a browser cannot: lengths of prompts, their tags, and what cannot be."""

from __future__ import annotations

from typing import Any

import gradio as gr

from lora_mixer.errors import LoraMixerError, PromptError
from lora_mixer.prompt import parse
from lora_mixer.regions import check_region
from lora_mixer_app.web.desk.asked import grammar_of, model_of
from lora_mixer_app.web.desk.document import DocumentForm, StripForm, form_of, read_form
from lora_mixer_app.web.desk.library import lora_facts
from lora_mixer_app.web.desk.regions import RegionForm
from lora_mixer_app.web.desk.strip import strip_of
from lora_mixer_app.web.desk.sync import read_tags
from lora_mixer_app.web.notices import error_in_words
from lora_mixer_app.web.opened import Opened
from lora_mixer_app.web.state import AppState

Form = dict[str, Any]


def document_facts(state: AppState, request: gr.Request, data: Form) -> Form:
    """Return the facts of a `document`: `counts` of tokens, `tags` of the prompt, `problems` by place, `loras` by name."""
    form = read_form(data.get("document"))
    model = model_of(state, request, form.settings.get("model"))
    problems: list[Form] = []
    tags = _tags(form, grammar_of(state, model), problems, request)
    for strip in form.strips:
        problems += _of_strip(strip, request)
    for region in form.regions:
        problems += _of_region(region, grammar_of(state, model), request)
    names = dict.fromkeys([*(strip.name for strip in form.strips), *(tag["strip"]["name"] for tag in tags)])
    return {
        "counts": {part: _count(model, getattr(form, part), form) for part in ("prompt", "negative")},
        "tags": tags,
        "problems": problems,
        "loras": lora_facts(state, request, {"names": list(names)}),
    }


def _tags(form: DocumentForm, grammar: str, problems: list[Form], request: gr.Request) -> list[Form]:
    try:
        found = read_tags(form.prompt, grammar)
    except PromptError as error:
        problems.append({"place": "prompt", "says": error_in_words(error, request)})
        return []
    ends = [form.prompt.index(">", tag.at) + 1 for tag in found]
    return [{"at": tag.at, "end": end, "strip": form_of(strip_of(tag))} for tag, end in zip(found, ends, strict=True)]


def _of_strip(strip: StripForm, request: gr.Request) -> list[Form]:
    try:
        strip.strip().tag_text()
    except LoraMixerError as error:
        return [{"place": "strip", "number": strip.number, "says": error_in_words(error, request)}]
    return []


def _of_region(form: RegionForm, grammar: str, request: gr.Request) -> list[Form]:
    try:
        region = form.region().region
        check_region(region)
        parse(region.prompt, grammar=grammar)
        parse(region.negative or "", grammar=grammar, negative=True)
    except LoraMixerError as error:
        return [{"place": "region", "number": form.number, "says": error_in_words(error, request)}]
    return []


def _count(model: Opened, text: str, form: DocumentForm) -> str:
    steps = form.settings.get("steps")
    try:
        told = model.count(text, steps=steps if isinstance(steps, int) and steps > 0 else 1)
    except PromptError:
        return "…"
    return f"{told.tokens}/{told.chunks * told.limit}" if told else ""
