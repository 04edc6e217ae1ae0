"""Fooocus and Fooocus-MRE: JSON under `parameters` (or `Comment`), in EXIF's comment for JPEG and WebP.

Format: `modules/meta_parser.py` and `modules/async_worker.py` of lllyasviel/Fooocus; keys of MRE are in its
`modules/async_worker.py`. Fooocus can write A1111's form, too, which `a1111` reads.
"""

from __future__ import annotations

import re

from lora_mixer.images.budget import Budget
from lora_mixer.images.containers import PictureTexts
from lora_mixer.images.readers.draft import ReaderResult, RequestDraft, shown
from lora_mixer.images.readers.jsons import Table, list_of, read_table
from lora_mixer.images.readers.names import COMFY
from lora_mixer.images.save import PARAMETERS

MARKS = frozenset({"base_model", "base_model_name"})
MAX_LORAS = 32
NO_STYLES = frozenset({"", "[]", "None"})
_PAIR = re.compile(r"\(?\s*'?(\d{1,5})'?\s*,\s*'?(\d{1,5})'?\s*\)?")
PASSED_ON = (
    "performance",
    "sharpness",
    "adm_guidance",
    "refiner_model",
    "freeu",
    "adaptive_cfg",
    "prompt_expansion",
    "vae",
)
OFF = frozenset({"", "None", "Default (model)"})


def read(texts: PictureTexts, budget: Budget) -> ReaderResult | None:
    """Return what a Fooocus picture says; None if it is another's."""
    del budget
    for key in (PARAMETERS, "Comment", "comment"):
        table = read_table(texts.by_key.get(key))
        if MARKS & table.keys() and "software" not in table:
            return _found(table)
    return None


def _found(table: Table) -> ReaderResult:
    draft = RequestDraft()
    draft.text("prompt", table.get("prompt", table.get("real_prompt")))
    draft.text("negative", table.get("negative_prompt", table.get("real_negative_prompt")))
    draft.number("seed", table.get("seed"))
    draft.number("steps", table.get("steps"))
    draft.number("cfg", table.get("guidance_scale", table.get("cfg")))
    draft.number("clip_skip", table.get("clip_skip"))
    size = _PAIR.fullmatch(str(table.get("resolution", ""))[:40])
    draft.size(*(size.groups() if size else (table.get("width"), table.get("height"))))
    draft.model(table.get("base_model", table.get("base_model_name")))
    draft.sampler(COMFY, table.get("sampler", table.get("sampler_name")), table.get("scheduler"))
    _take_loras(draft, table)
    if str(table.get("styles", "")) not in NO_STYLES:
        draft.note(
            f"the styles {shown(table.get('styles'))} are not carried over; Fooocus put their words into its prompt"
        )
    for key in PASSED_ON:
        if str(table.get(key, "")) not in OFF:
            draft.note(f"{key} {shown(table[key])} is not carried over")
    return draft.found()


def _take_loras(draft: RequestDraft, table: Table) -> None:
    """Take the LoRAs: `lora_combined_1: "name : weight"`, which may begin with "True : " or "False : "; else `loras`."""
    combined = [table.get(f"lora_combined_{index}") for index in range(1, MAX_LORAS + 1)]
    for text in combined:
        parts = text.split(" : ") if isinstance(text, str) else []
        if len(parts) == 3 and parts[0] in {"True", "False"}:
            on, *parts = parts
            if on == "False":
                continue
        if len(parts) == 2:
            draft.lora(parts[0], parts[1])
        elif parts:
            draft.unknown("the LoRA", text)
    for item in () if any(combined) else map(list_of, list_of(table.get("loras"))):
        if len(item) >= 2:
            draft.lora(item[0], item[1])
