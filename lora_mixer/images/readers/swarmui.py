"""SwarmUI: JSON with `sui_image_params`, under `parameters`, in EXIF's comment, or hidden in the pixels.

Format: `docs/Image Metadata Format.md` of mcmonkeyprojects/SwarmUI. Keys are the parameters' names in small letters without
spaces. Numbers may stand as text, lists as text with commas; `lorasectionconfinement` says to which part of a prompt a LoRA
belongs (0 and -1: to all of it).
"""

from __future__ import annotations

from lora_mixer.images.budget import Budget
from lora_mixer.images.containers import PictureTexts
from lora_mixer.images.readers.draft import ReaderResult, RequestDraft, shown, whole
from lora_mixer.images.readers.jsons import Table, read_table, table_of
from lora_mixer.images.readers.names import COMFY
from lora_mixer.images.save import PARAMETERS

KEY = "sui_image_params"
WHOLE_PICTURE = frozenset({None, 0, -1})
PASSED_OVER = frozenset(
    {"aspectratio", "sidelength", "automaticvae", "swarm_version", "images", "batchsize", "personalnote", "donotsave"}
    | {"modelspecificenhancements", "internalbackendtype", "exactbackendid", "noseedincrement", "nopreviews", "presets"}
    | {
        "loras",
        "loraweights",
        "loratencweights",
        "lorasectionconfinement",
        "original_prompt",
        "original_negativeprompt",
    }
    | {"prompt", "negativeprompt", "seed", "steps", "cfgscale", "width", "height", "model", "sampler", "scheduler"}
    | {"variationseed", "variationseedstrength", "clipstopatlayer", "savesegmentmask"}
)


def read(texts: PictureTexts, budget: Budget) -> ReaderResult | None:
    """Return what a SwarmUI picture says; None if it is another's."""
    del budget
    text = texts.by_key.get(PARAMETERS, "")
    params = table_of(read_table(text).get(KEY)) if KEY in text else {}
    if not params:
        return None
    draft = RequestDraft()
    draft.text("prompt", params.get("prompt"))
    draft.text("negative", params.get("negativeprompt"))
    for name, key in (("seed", "seed"), ("steps", "steps"), ("cfg", "cfgscale"), ("subseed", "variationseed")):
        draft.number(name, params.get(key))
    draft.number("subseed_strength", params.get("variationseedstrength"))
    draft.size(params.get("width"), params.get("height"))
    draft.model(params.get("model"))
    draft.sampler(COMFY, params.get("sampler"), params.get("scheduler"))
    layer = whole(params.get("clipstopatlayer"))
    draft.number("clip_skip", None if layer is None else -layer)
    _take_loras(draft, params)
    for key in params:
        if key not in PASSED_OVER:
            draft.note(f"{shown(key)} is not carried over")
    if "<" in str(params.get("prompt")):
        draft.note("SwarmUI's <...> are not understood here")
    if "sampler" not in params:
        draft.note("the sampler is not said; SwarmUI then takes Euler with the model's own schedule")
    return draft.found()


def _take_loras(draft: RequestDraft, params: Table) -> None:
    names = _items(params.get("loras"))
    weights, clips = _items(params.get("loraweights")), _items(params.get("loratencweights"))
    parts = _items(params.get("lorasectionconfinement"))
    for index, name in enumerate(names):
        weight = weights[index] if index < len(weights) else None
        if weight is None:
            draft.unknown("the strength of LoRA", name)
            continue
        draft.lora(name, weight, clips[index] if index < len(clips) else None)
        if index < len(parts) and whole(parts[index]) not in WHOLE_PICTURE:
            draft.note(f"the LoRA {shown(name)} acts on one part of the picture there, on all of it here")


def _items(value: object) -> list[object]:
    if isinstance(value, list):
        return value
    return [item.strip() for item in value.split(",")] if isinstance(value, str) and value.strip() else []
