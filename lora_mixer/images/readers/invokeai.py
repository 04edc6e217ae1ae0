"""InvokeAI: JSON under `invokeai_metadata` (version 3 on), under `sd-metadata` (2), or a command line under `Dream` (1, 2).

Format: `invokeai/app/invocations/metadata.py` of invoke-ai/InvokeAI for the first; `ldm/invoke/pngwriter.py` and `args.py` of
its version 2 for the others. `clip_skip` counts skipped layers from 0. Up to version 2 the negative prompt stands in square
brackets within the prompt, and `withLora(name,weight)` names a LoRA.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from lora_mixer.images.budget import Budget
from lora_mixer.images.containers import PictureTexts
from lora_mixer.images.readers.draft import ReaderResult, RequestDraft, shown, whole
from lora_mixer.images.readers.jsons import Table, list_of, read_table, table_of
from lora_mixer.images.readers.names import INVOKE

TEXT_MODES = ("txt2img", None)
NOT_CARRIED = (
    "controlnets",
    "ipAdapters",
    "t2iAdapters",
    "refiner_model",
    "hrf_enabled",
    "vae",
    "seamless_x",
    "seamless_y",
)
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_WITH_LORA = re.compile(r"withLora\(([^(),]{1,200})(?:,\s*([-+.\d]{1,20}))?\s*\)", re.IGNORECASE)
_DREAM = re.compile(r'\s*"(.*)"([^"]*)', re.DOTALL)
_OPTION = re.compile(r"\s-(\w+)\s*([^\s-][^\s]*|-[\d.]+)")
OPTIONS: Mapping[str, str] = MappingProxyType(
    {"s": "steps", "S": "seed", "W": "width", "H": "height", "C": "cfg_scale"}
)


def read(texts: PictureTexts, budget: Budget) -> ReaderResult | None:
    """Return what an InvokeAI picture says; None if it is another's."""
    del budget
    table = read_table(texts.by_key.get("invokeai_metadata"))
    if table:
        return _of_version_3(table)
    older = read_table(texts.by_key.get("sd-metadata"))
    if "image" in older:
        return _of_version_2(table_of(older["image"]), older.get("model_weights"))
    dream = _DREAM.fullmatch(texts.by_key.get("Dream", ""))
    if dream:
        options = dict(_OPTION.findall(dream[2]))
        table = {OPTIONS.get(key, key): value for key, value in options.items()}
        return _of_version_2({**table, "prompt": dream[1], "sampler": table.get("A")}, None)
    return None


def _of_version_3(table: Table) -> ReaderResult:
    draft = RequestDraft()
    draft.text("prompt", table.get("positive_prompt"))
    draft.text("negative", table.get("negative_prompt"))
    _take_numbers(draft, table)
    draft.number("cfg_rescale", table.get("cfg_rescale_multiplier"))
    skipped = whole(table.get("clip_skip"))
    draft.number("clip_skip", skipped + 1 if skipped else None)
    draft.model(_name_of(table.get("model")))
    draft.sampler(INVOKE, table.get("scheduler"))
    for entry in map(table_of, list_of(table.get("loras"))):
        draft.lora(_name_of(entry.get("model", entry.get("lora"))), entry.get("weight"))
    for key in ("positive_style_prompt", "negative_style_prompt"):
        if table.get(key):
            draft.note(f"{key} {shown(table[key])} is not carried over")
    _say_the_rest(draft, table)
    return draft.found()


def _say_the_rest(draft: RequestDraft, table: Table) -> None:
    mode = table.get("generation_mode")
    if isinstance(mode, str) and not mode.endswith("txt2img"):
        draft.note(f"it was made from another picture ({shown(mode)}), which is not carried over")
    for key in NOT_CARRIED:
        if table.get(key):
            draft.note(f"{key} is not carried over")
    if table.get("rand_device") not in (None, "cpu"):
        draft.note("its noise was drawn on the GPU, ours on the CPU")
    _say_the_grammar(draft)


def _say_the_grammar(draft: RequestDraft) -> None:
    text = f"{draft.values.get('prompt', '')}{draft.values.get('negative', '')}"
    if "++" in text or "--" in text or re.search(r"\)[-+\d]", text):
        draft.note("InvokeAI weighs by word++ and (words)1.2, which are text here")
    if draft.values.get("sampler") and "schedule" not in draft.values:
        draft.note("InvokeAI leaves the schedule of this sampler to the model; it is not said")


def _of_version_2(image: Table, model: object) -> ReaderResult:
    draft = RequestDraft()
    prompts = [table_of(item).get("prompt") for item in list_of(image.get("prompt"))] or [image.get("prompt")]
    if len(prompts) > 1:
        draft.unknown("a blend of prompts,", prompts)
    elif isinstance(prompts[0], str):
        _take_prompt(draft, prompts[0])
    _take_numbers(draft, image)
    draft.model(model)
    draft.sampler(INVOKE, image.get("sampler"))
    if list_of(image.get("variations")):
        draft.note("variations are not carried over")
    if image.get("type") not in TEXT_MODES or image.get("init_image_path"):
        draft.note("it was made from another picture, which is not carried over")
    _say_the_grammar(draft)
    return draft.found()


def _take_numbers(draft: RequestDraft, table: Table) -> None:
    draft.number("seed", table.get("seed"))
    draft.number("steps", table.get("steps"))
    draft.number("cfg", table.get("cfg_scale"))
    draft.size(table.get("width"), table.get("height"))


def _take_prompt(draft: RequestDraft, text: str) -> None:
    for name, weight in _WITH_LORA.findall(text):
        if weight:
            draft.lora(name.strip(), weight)
        else:
            draft.unknown("the strength of LoRA", name.strip())
    text = _WITH_LORA.sub("", text).strip()
    if "[" not in text:
        draft.text("prompt", text)
        return
    draft.text("prompt", " ".join(part for part in map(str.strip, _BRACKETS.sub("\n", text).split("\n")) if part))
    draft.text("negative", ", ".join(part.strip() for part in _BRACKETS.findall(text)))


def _name_of(model: object) -> object:
    table = table_of(model)
    return table.get("name", table.get("model_name")) if table else model
