"""RuinedFooocus: JSON with `software: RuinedFooocus` under `parameters`.

Format: `modules/async_worker.py` of runew0lf/RuinedFooocus. A LoRA is a pair of its hash and `"0.8 - name.safetensors"`; styles
are in the prompt already.
"""

from __future__ import annotations

from lora_mixer.images.budget import Budget
from lora_mixer.images.containers import PictureTexts
from lora_mixer.images.readers.draft import ReaderResult, RequestDraft
from lora_mixer.images.readers.jsons import list_of, read_table
from lora_mixer.images.readers.names import COMFY
from lora_mixer.images.save import PARAMETERS


def read(texts: PictureTexts, budget: Budget) -> ReaderResult | None:
    """Return what a RuinedFooocus picture says; None if it is another's."""
    del budget
    table = read_table(texts.by_key.get(PARAMETERS))
    if table.get("software") != "RuinedFooocus":
        return None
    draft = RequestDraft()
    draft.text("prompt", table.get("Prompt"))
    draft.text("negative", table.get("Negative"))
    for name in ("seed", "steps", "cfg"):
        draft.number(name, table.get(name))
    clip_skip = table.get("clip_skip")
    draft.number("clip_skip", clip_skip or None)
    draft.size(table.get("width"), table.get("height"))
    draft.model(table.get("base_model_name"))
    draft.sampler(COMFY, table.get("sampler_name"), table.get("scheduler"))
    for pair in map(list_of, list_of(table.get("loras"))):
        text = pair[-1] if pair else None
        weight, dash, name = text.partition(" - ") if isinstance(text, str) else ("", "", "")
        if dash:
            draft.lora(name, weight)
        else:
            draft.unknown("the LoRA", text)
    if table.get("denoise") not in (None, 1, 1.0):
        draft.note("it was made from another picture, which is not carried over")
    return draft.found()
