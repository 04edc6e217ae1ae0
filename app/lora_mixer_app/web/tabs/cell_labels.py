"""What the places of a sheet are called, in the language of who looks; files of a run have English labels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import gradio as gr

from lora_mixer.promptfile.plan import SheetPlan
from lora_mixer_app.web.i18n import chinese_name, said
from lora_mixer_app.web.notices import language_of

_MARK = ", "
"""Between the parts of a label."""


def labels_in_words(sheet: SheetPlan, request: gr.Request) -> Callable[[str], str]:
    """Return how labels of a sheet are said: settings by the page's names, and what is left out; words and LoRAs stay."""
    if language_of(request) != "zh":
        return str
    varied = {part.rpartition(" ")[0] for label in (*sheet.columns, *sheet.rows) for part in label.split(_MARK)}
    part_in_words = partial(_part_in_words, varied, request)
    return lambda label: said(request, "comma").join(map(part_in_words, label.split(_MARK)))


def _part_in_words(varied: set[str], request: gr.Request, part: str) -> str:
    """Return a part of a label in words.

    Args:
        varied: What stands before the values of all labels.
        request: Who looks.
        part: Such as `no ink`, `steps 5`; anything else stays.
    """
    first, _, rest = part.partition(" ")
    if first == "no" and rest in varied | {"LoRA"}:
        return said(request, "label_without", name=rest)
    what, _, value = part.rpartition(" ")
    setting = chinese_name(what)
    return f"{setting} {value}" if setting and value else part
