"""Draw Things: JSON in XMP's `exif:UserComment`, beside a description in words.

Format: `ImageConverter.swift` of drawthingsai/draw-things-community. `c` and `uc` are the prompts, `lora` a list of files and
weights; `seed_mode` says how noise is drawn.
"""

from __future__ import annotations

import html
import re

from lora_mixer.images.budget import Budget
from lora_mixer.images.containers import PictureTexts
from lora_mixer.images.readers.draft import ReaderResult, RequestDraft, real, shown
from lora_mixer.images.readers.jsons import Table, list_of, read_table, table_of
from lora_mixer.images.readers.names import DRAW_THINGS
from lora_mixer.images.save import PARAMETERS

XMP = "XML:com.adobe.xmp"
OPEN, CLOSE = "<exif:UserComment>", "</exif:UserComment>"
_TAG = re.compile(r"<[^<>]{0,200}>")


def read(texts: PictureTexts, budget: Budget) -> ReaderResult | None:
    """Return what a Draw Things picture says; None if it is another's."""
    del budget
    for text in (_user_comment(texts.by_key.get(XMP, "")), texts.by_key.get("Comment"), texts.by_key.get(PARAMETERS)):
        table = read_table(text)
        if "c" in table and "uc" in table:
            return _found(table)
    return None


def _user_comment(xmp: str) -> str:
    start = xmp.find(OPEN)
    end = xmp.find(CLOSE, start)
    return html.unescape(_TAG.sub("", xmp[start:end])).strip() if 0 <= start < end else ""


def _found(table: Table) -> ReaderResult:
    draft = RequestDraft()
    draft.text("prompt", table.get("c"))
    draft.text("negative", table.get("uc"))
    draft.number("seed", table.get("seed"))
    draft.number("steps", table.get("steps"))
    draft.number("cfg", table.get("scale"))
    draft.number("clip_skip", table.get("clip_skip"))
    wide, _, high = str(table.get("size", "")).partition("x")
    draft.size(wide or None, high or None)
    draft.model(table.get("model"))
    draft.sampler(DRAW_THINGS, table.get("sampler"))
    for lora in map(table_of, list_of(table.get("lora"))):
        draft.lora(lora.get("model"), lora.get("weight"))
    strength = real(table.get("strength"))
    if strength is not None and strength < 1:
        draft.note("it was made from another picture, which is not carried over")
    if table.get("seed_mode"):
        draft.note(f"noise was drawn as {shown(table['seed_mode'])}; ours is torch's on the CPU")
    for key in ("hires_fix", "refiner", "control", "upscaler", "shift"):
        if table.get(key):
            draft.note(f"{key} is not carried over")
    return draft.found()
