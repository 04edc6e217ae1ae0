"""A1111's form of text, by all who write it.

Those are Forge, SD.Next, Fooocus where asked to, Civitai's generator and ComfyUI's saving nodes. It lies under `parameters`, in EXIF's comment, in a JPEG's comment, or hidden in the pixels.

Format: `modules/infotext_utils.py` of AUTOMATIC1111/stable-diffusion-webui; `modules/processing_info.py` of vladmandic/sdnext;
`modules/meta_parser.py` of lllyasviel/Fooocus; `src/utils/metadata/automatic.metadata.ts` of civitai/civitai for `Civitai
resources`; kohya-ss/sd-webui-additional-networks for `AddNet`. The fields are read by `request_of`; here are the LoRAs that
stand beside the prompt instead of in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from lora_mixer.images.budget import Budget
from lora_mixer.images.containers import PictureTexts
from lora_mixer.images.infotext import Infotext, parse_infotext
from lora_mixer.images.readers.draft import ReaderResult, RequestDraft, shown
from lora_mixer.images.readers.jsons import list_of, read_json, read_table, table_of
from lora_mixer.images.request_of import kin_of, request_of
from lora_mixer.images.save import PARAMETERS
from lora_mixer.images.scan import scan_fields

KEYS = (PARAMETERS, "comment")
MAX_NETS = 32
SETTINGS = frozenset({"steps", "sampler", "seed", "cfg scale", "size", "model"})
LORA_KINDS = frozenset({"lora", "locon", "lycoris", "dora", "loha"})
_TAG = re.compile(r"<(?:lora|lyco):([^:<>]{1,200})[:>]", re.IGNORECASE)
_NET = re.compile(r"(.*)\([0-9a-f]{8,12}\)", re.DOTALL)


def read(texts: PictureTexts, budget: Budget) -> ReaderResult | None:
    """Return what a text of A1111's form says; None if there is none, or it is JSON."""
    del budget
    for key in KEYS:
        text = texts.by_key.get(key, "")
        if text.strip() and not read_table(text):
            parsed = parse_infotext(text)
            if _is_infotext(parsed):
                return found_in(parsed)
    return None


def _is_infotext(text: Infotext) -> bool:
    """Tell an infotext from whatever else stands in a comment: it has a setting, or a negative prompt."""
    return bool(text.negative) or bool(SETTINGS & {key.lower() for key in text.fields})


def found_in(text: Infotext) -> ReaderResult:
    """Return what an infotext says, the LoRAs beside its prompt among it."""
    request, notes = request_of(text)
    draft = RequestDraft()
    _of_civitai(draft, text.fields)
    _of_additional_networks(draft, text.fields)
    _of_fooocus(draft, text.fields)
    named = {name.strip().lower() for name in _TAG.findall(text.prompt)}
    loras = tuple(use for use in draft.loras if use.name.lower() not in named)
    if kin_of(text).source == "comfyui" and named:
        draft.note("LoRA tags in the prompt may have been words to ComfyUI; here they load")
    request = replace(request, loras=loras)
    if not text.fields:
        draft.note("the text has no parameters: all of it is taken as the prompt")
    spoken = tuple(note for note in notes if not note.startswith(("AddNet ", "Civitai ")))
    return ReaderResult(request=request, notes=(*text.notes, *spoken, *draft.notes), infotext=text)


def _of_civitai(draft: RequestDraft, fields: Mapping[str, str]) -> None:
    """Take the resources of Civitai's generator: a LoRA by its model's name."""
    for resource in map(table_of, list_of(read_json(fields.get("Civitai resources", "[]")))):
        if str(resource.get("type", "")).lower() not in LORA_KINDS:
            if resource.get("type") == "checkpoint":
                draft.note(f"the model is {shown(resource.get('modelName'))} {shown(resource.get('modelVersionName'))}")
            continue
        name, weight = resource.get("modelName"), resource.get("weight")
        if isinstance(name, str) and weight is not None:
            draft.lora(name, weight)
        else:
            draft.unknown("the LoRA of Civitai's version", resource.get("modelVersionId", resource.get("air")))


def _of_additional_networks(draft: RequestDraft, fields: Mapping[str, str]) -> None:
    if fields.get("AddNet Enabled") != "True":
        return
    for number in range(1, MAX_NETS + 1):
        name, module = fields.get(f"AddNet Model {number}"), fields.get(f"AddNet Module {number}", "LoRA")
        if name is None or name == "None":
            continue
        hashed = _NET.fullmatch(name)
        both = fields.get(f"AddNet Weight {number}")
        denoiser, text = fields.get(f"AddNet Weight A {number}", both), fields.get(f"AddNet Weight B {number}", both)
        if module.lower() in LORA_KINDS:
            draft.lora(hashed[1] if hashed else name, denoiser, text)
        else:
            draft.unknown(f"the {shown(module)}", name)


def _of_fooocus(draft: RequestDraft, fields: Mapping[str, str]) -> None:
    for name, weight in scan_fields(fields.get("Lora weights", "")):
        draft.lora(name, weight)
