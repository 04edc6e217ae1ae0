"""Read a picture's record, whichever program wrote it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from lora_mixer.errors import BrokenFileError
from lora_mixer.images.budget import Budget
from lora_mixer.images.containers import CARRIERS, PictureTexts, read_texts
from lora_mixer.images.infotext import Infotext, parse_infotext
from lora_mixer.images.readers import comfyui
from lora_mixer.images.readers.table import READERS
from lora_mixer.images.record import RenderRecord
from lora_mixer.images.request_of import kin_of, request_of_record
from lora_mixer.images.save import OUR_CHUNK, PARAMETERS
from lora_mixer.request import RenderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureInfo:
    """What a picture file says about how it was made.

    Attributes:
        source: Who wrote it: `lora-mixer`, one of `readers.table`, one of A1111's kin, or `none`.
        record: Our whole record, if the picture is ours.
        infotext: A1111's parameters, if there are any.
        request: The request it amounts to: exact for ours, as far as it goes for others, None if nothing is known.
        notes: What was guessed, damaged or not carried over.
    """

    source: str
    record: RenderRecord | None = None
    infotext: Infotext | None = None
    request: RenderRequest | None = None
    notes: tuple[str, ...] = ()


def read_picture(path: Path) -> PictureInfo:
    """Read what a picture says about itself; pixels are decoded only where a text may be hidden in them.

    Raises:
        MissingFileError: There is no such file.
        BrokenFileError: It is no picture, or damaged.
    """
    budget = Budget()
    return info_of(read_texts(path, budget), budget)


def info_of_text(text: str) -> PictureInfo:
    """Return what a text of A1111's form says, wherever it was copied from; never fails."""
    return info_of(PictureTexts(by_key={PARAMETERS: text}))


def info_of(texts: PictureTexts, budget: Budget | None = None) -> PictureInfo:
    """Return what a picture's texts say: by our record if it is ours, else by the first reader that knows them."""
    notes: tuple[str, ...] = ()
    if OUR_CHUNK in texts.by_key:
        try:
            record = RenderRecord.from_json(texts.by_key[OUR_CHUNK])
        except BrokenFileError as error:
            notes = (str(error),)
        else:
            own = parse_infotext(texts.by_key[PARAMETERS]) if PARAMETERS in texts.by_key else None
            return PictureInfo(
                source="lora-mixer", record=record, infotext=own, request=request_of_record(record), notes=texts.notes
            )
    budget = budget or Budget()
    for reader in READERS:
        found = reader.read(texts, budget)
        if found is not None:
            source = reader.source if found.infotext is None else kin_of(found.infotext).source
            said = tuple(dict.fromkeys((*notes, *texts.notes, *found.notes)))
            return _with_graph(
                PictureInfo(source=source, infotext=found.infotext, request=found.request, notes=said), texts, budget
            )
    unread = [key for key in texts.by_key if key in CARRIERS]
    if unread:
        notes += (f"not understood: {', '.join(unread)}",)
    return PictureInfo(source="none", notes=(*notes, *texts.notes, "the picture carries no generation parameters"))


def _with_graph(info: PictureInfo, texts: PictureTexts, budget: Budget) -> PictureInfo:
    """Return what a text of A1111's form says, with what only the graph beside it says: ComfyUI's saving nodes write both."""
    if info.infotext is None or info.request is None or "prompt" not in texts.by_key:
        return info
    graph = comfyui.read(texts, budget)
    if graph is None or graph.request is None:
        return info
    own, other = info.request, graph.request
    tagged = "<lora:" in own.prompt.lower()
    joined = replace(
        own.over(other), prompt=own.prompt or other.prompt, loras=own.loras or (() if tagged else other.loras)
    )
    differing = [
        name
        for name in ("seed", "steps", "cfg", "sampler")
        if None not in (getattr(own, name), getattr(other, name)) and getattr(own, name) != getattr(other, name)
    ]
    said = tuple(f"the text and the graph differ in {name}; the text is taken" for name in differing)
    return replace(info, source="comfyui", request=joined, notes=(*info.notes, *said))
