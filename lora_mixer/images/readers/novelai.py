"""NovelAI: `Comment` holds JSON, beside `Description` (the prompt) and `Source`.

Where it is hidden in the pixels or written as EXIF, the same lies in one JSON.

Format: the image API's answer; NovelAI/novelai-image-metadata for the pixels. `{words}` weighs by 1.05 and `[words]` by
1/1.05, from version 4 on `1.2::words::` as well; version 4 keeps the characters' prompts apart.
"""

from __future__ import annotations

from lora_mixer.images.budget import Budget
from lora_mixer.images.containers import DESCRIPTION_KEY, SOFTWARE_KEY, PictureTexts
from lora_mixer.images.readers.draft import ReaderResult, RequestDraft, shown
from lora_mixer.images.readers.jsons import Table, list_of, read_table, table_of
from lora_mixer.images.readers.names import NOVELAI
from lora_mixer.images.save import PARAMETERS

MARKS = frozenset({"uc", "signed_hash", "request_type", "v4_prompt", "n_samples"})
GENERATORS = ("sm", "sm_dyn", "dynamic_thresholding")
REQUESTS = frozenset({None, "PromptGenerateRequest"})


def read(texts: PictureTexts, budget: Budget) -> ReaderResult | None:
    """Return what a NovelAI picture says; None if it is another's."""
    del budget
    outer = texts.by_key
    whole = read_table(outer.get(PARAMETERS))
    if isinstance(whole.get("Comment"), str):
        outer = {key: text for key, text in whole.items() if isinstance(text, str)}
    table = read_table(outer.get("Comment")) or (whole if "signed_hash" in whole else {})
    theirs = outer.get(SOFTWARE_KEY) == "NovelAI" or outer.get("Source", "").startswith(("NovelAI", "Stable Diffusion"))
    if not table or not (theirs or len(MARKS & table.keys()) > 1) or "steps" not in table:
        return None
    return _found(table, outer.get(DESCRIPTION_KEY), outer.get("Source"), texts.size)


def _found(table: Table, description: str | None, source: str | None, size: tuple[int, int] | None) -> ReaderResult:
    draft = RequestDraft()
    draft.text("prompt", _caption(draft, table, "v4_prompt") or table.get("prompt") or description)
    negative = _caption(draft, table, "v4_negative_prompt")
    draft.text("negative", negative if negative is not None else table.get("uc"))
    draft.number("seed", table.get("seed"))
    draft.number("steps", table.get("steps"))
    draft.number("cfg", table.get("scale"))
    draft.number("cfg_rescale", table.get("cfg_rescale"))
    draft.size(*((table["width"], table.get("height")) if "width" in table else size or (None, None)))
    draft.sampler(NOVELAI, table.get("sampler"), table.get("noise_schedule"))
    draft.model(table.get("model") or source)
    for key in GENERATORS:
        if table.get(key) is True:
            draft.note(f"{key} is not carried over")
    if table.get("request_type") not in REQUESTS or table.get("image"):
        draft.note("it was made from another picture, which is not carried over")
    draft.note("NovelAI's {words} and [words] weigh by 1.05; here braces mean choices and brackets weigh by 1.1")
    return draft.found()


def _caption(draft: RequestDraft, table: Table, key: str) -> str | None:
    """Return the base caption of version 4; the characters' are named, since they belong to places in the picture."""
    caption = table_of(table_of(table.get(key)).get("caption"))
    base = caption.get("base_caption")
    for character in map(table_of, list_of(caption.get("char_captions"))):
        if character.get("char_caption"):
            draft.unknown(
                f"the {key.removesuffix('_prompt')} caption of a character:", shown(character["char_caption"])
            )
    return base if isinstance(base, str) and base else None
