"""Reading a picture's record back, whoever wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lora_mixer.errors import BrokenFileError
from lora_mixer.images.comfyui import read_graph
from lora_mixer.images.containers import read_texts
from lora_mixer.images.infotext import Infotext, parse_infotext
from lora_mixer.images.record import RenderRecord
from lora_mixer.images.request_of import request_of, request_of_record
from lora_mixer.images.save import OUR_CHUNK, PARAMETERS
from lora_mixer.request import RenderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureInfo:
    """What a picture file says about how it was made.

    Attributes:
        source: Who wrote it: `lora-mixer`, `a1111` (Forge too), `comfyui`, or `none`.
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
    """Read what a picture says about itself, without decoding a pixel.

    Raises:
        MissingFileError: There is no such file.
        BrokenFileError: It is no picture, or damaged.
    """
    texts = read_texts(path)
    info = parse_infotext(texts[PARAMETERS]) if PARAMETERS in texts else None
    notes: tuple[str, ...] = ()
    if OUR_CHUNK in texts:
        try:
            record = RenderRecord.from_json(texts[OUR_CHUNK])
        except BrokenFileError as error:
            notes = (str(error),)
        else:
            request = request_of_record(record)
            return PictureInfo(source="lora-mixer", record=record, infotext=info, request=request)
    if info is not None:
        wish, unmet = request_of(info)
        return PictureInfo(source="a1111", infotext=info, request=wish, notes=(*notes, *info.notes, *unmet))
    if "prompt" in texts:
        graph, said = read_graph(texts["prompt"])
        return PictureInfo(source="comfyui", request=graph, notes=(*notes, *said))
    return PictureInfo(source="none", notes=(*notes, "the picture carries no generation parameters"))
