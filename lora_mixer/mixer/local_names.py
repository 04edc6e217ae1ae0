"""Rewrite other people's LoRA tags to the local names of the same files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from lora_mixer.catalog import Library
from lora_mixer.errors import AdapterError, FileError, RequestError
from lora_mixer.images import PictureInfo, read_picture
from lora_mixer.mixer.from_record import inputs_given, masks_given
from lora_mixer.prompt import TagPlace, rewritten_tags
from lora_mixer.request import RenderRequest

_DIGEST = re.compile(r"[0-9a-fA-F]{8,64}")


def request_from_picture(path: Path, library: Library, *, files: Iterable[Path] = ()) -> RenderRequest:
    """Return a picture's request, with LoRAs under their local names.

    Render it with a mixer opened with `paths=False`, or check the names first: other people's prompts may name LoRAs by
    path.

    Args:
        path: The picture.
        library: Where LoRAs are looked up.
        files: Mask pictures, matched by digest; paths in the picture are never opened.

    Raises:
        FileError: It is not a picture.
        RequestError: It has no settings, or names a mask that is not among the files.
    """
    info = with_local_names(read_picture(path), library)
    if info.request is None:
        raise RequestError("the picture has no settings", where=str(path))
    if info.record is None:
        return info.request
    files = tuple(files)
    return inputs_given(masks_given(info.request, info.record, files), files)


def with_local_names(info: PictureInfo, library: Library) -> PictureInfo:
    """Return a picture's text with unknown LoRA names replaced by the local names of files with the same digest.

    Digests come from the infotext's `Lora hashes`; an empty digest matches nothing.
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
