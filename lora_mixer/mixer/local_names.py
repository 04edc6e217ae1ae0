"""LoRA tags of other people's pictures, under the names their files have here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from lora_mixer.catalog import Library
from lora_mixer.errors import AdapterError, FileError, RequestError
from lora_mixer.images import PictureInfo, read_picture
from lora_mixer.mixer.from_record import masks_given
from lora_mixer.prompt import TagPlace, rewritten_tags
from lora_mixer.request import RenderRequest

_DIGEST = re.compile(r"[0-9a-fA-F]{8,64}")


def request_from_picture(path: Path, library: Library, *, files: Iterable[Path] = ()) -> RenderRequest:
    """Return what a picture asks for, its LoRAs named as they are here.

    Whoever renders it opens the mixer with `paths=False`, or looks at the names first: prompts of other people's pictures
    may name LoRAs by path.

    Args:
        path: The picture.
        library: Where LoRAs are looked up.
        files: Pictures that mask, told by their digests: none is opened at a path that stands in the picture.

    Raises:
        FileError: It is no picture.
        RequestError: It says nothing about how it was made, or names a mask that is not among the files.
    """
    info = with_local_names(read_picture(path), library)
    if info.request is None:
        raise RequestError("the picture says nothing about how it was made", where=str(path))
    return info.request if info.record is None else masks_given(info.request, info.record, files)


def with_local_names(info: PictureInfo, library: Library) -> PictureInfo:
    """Return a picture's words with each LoRA that is not known here by name called as the file of its digest is.

    Digests stand in an infotext's `Lora hashes`; the digest of nothing finds nothing.
    """
    if info.infotext is None or info.request is None:
        return info
    names: dict[str, str] = {}
    for name, digest in info.infotext.hashes().items():
        local = None if _found(name, library) else _DIGEST.fullmatch(digest) and _found(digest, library)
        if local:
            names[name] = local
    request = replace(
        info.request,
        prompt=_renamed(info.request.prompt, names),
        negative=None if info.request.negative is None else _renamed(info.request.negative, names),
    )
    notes = (f"the LoRA {name} is {local} here, told by its digest" for name, local in names.items())
    return replace(info, request=request, notes=(*info.notes, *notes))


def _found(name: str, library: Library) -> str | None:
    try:
        return library.find(name, paths=False).name
    except (AdapterError, FileError):
        return None


def _renamed(text: str, names: Mapping[str, str]) -> str:
    def rewrite(place: TagPlace) -> str | None:
        if place.name not in names:
            return None
        rest = place.name_at + len(place.name)
        return text[place.at : place.name_at] + names[place.name] + text[rest : place.end]

    return rewritten_tags(text, rewrite)
