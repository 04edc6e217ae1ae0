"""Resolve what a record names by name, by digest, or from given files; never by opening a path in the record.

A picture may come from anybody. A path in it says whether a file exists here and what is in it, and a named pipe would
wait for ever; so a mask or a LoRA named by path is only taken from the files given by the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path, PureWindowsPath

from lora_mixer.catalog import ADMITTED, Library, UpscalerLibrary
from lora_mixer.choices import OWN
from lora_mixer.errors import AdapterError, FileError, RequestError
from lora_mixer.files import digest_file
from lora_mixer.images import RenderRecord
from lora_mixer.images.pixels import MOST_BYTES
from lora_mixer.inputs import INPUTS, InputPicture
from lora_mixer.mixes import LoraUse
from lora_mixer.request import RenderRequest, Settings

GIVE = "`--with FILE`, or files=[...] in Python."
REMEDY = f"Give the file itself: {GIVE}"
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif"})
MOST_CANDIDATES = 2000
"""Files that are looked at for an input picture."""


def admitted(
    record: RenderRecord, library: Library, files: Iterable[Path], upscalers: UpscalerLibrary
) -> Mapping[str, Path]:
    """Return files by the record's names for them, matching digests among the given files and the libraries.

    Args:
        record: The record.
        library: Searched for LoRAs that have another name here.
        files: Files given by the caller.
        upscalers: Searched for upscalers that have another name here.

    Raises:
        FileError: A given file cannot be read.
    """
    given = {digest_file(file).sha256: file.absolute() for file in files}
    found: dict[str, Path] = {}
    for adapter in record.adapters:
        if adapter.sha256 in given:
            found[adapter.name] = given[adapter.sha256]
        elif not _is_here(adapter.name, library) and (path := _by_digest(adapter.sha256, library)):
            found[adapter.name] = path
    return found | dict(_upscalers(record, given, upscalers))


def _upscalers(record: RenderRecord, given: Mapping[str, Path], library: UpscalerLibrary) -> Iterator[tuple[str, Path]]:
    """Yield the files of a record's upscalers that are given, or have another name here."""
    for upscaler in record.upscalers:
        if upscaler.name == OWN:
            continue
        path = given.get(upscaler.sha256)
        if path is None and not library.has(upscaler.name):
            path = library.with_digest(upscaler.sha256, lambda file: digest_file(file).sha256)
        if path is not None:
            yield ADMITTED + upscaler.name, path


def request_here(settings: Settings, record: RenderRecord, files: Iterable[Path]) -> RenderRequest:
    """Return the request of a picture, or of a neighbour in its batch, with masks from the given files.

    The record has digests of the picture's own masks; a neighbour's mask is matched by file name.

    Raises:
        RequestError: A mask picture was not given.
        FileError: A given file cannot be read.
    """
    files = tuple(files)
    return inputs_given(masks_given(replace(settings.request(), model=None), record, files), files)


def inputs_given(request: RenderRequest, files: Iterable[Path]) -> RenderRequest:
    """Return a request that stood in a record with its input pictures taken from the given files, told by digest.

    Raises:
        RequestError: An input picture was not given.
        FileError: A given file cannot be read.
    """
    wanted = _inputs(request)
    given = {digest_file(file).sha256: file for file in files} if wanted else {}
    for name, picture in tuple(wanted.items()):
        path = given.get(picture.sha256 or "")
        if path is None and picture.data is None:
            called = "mask" if name == "mask" else "init picture"
            raise RequestError(
                f"the {called} {picture.name[:80]!r} is not here (sha256 {(picture.sha256 or '')[:12]})",
                remedy=f"Put it beside the picture, or give the file itself: {GIVE}",
            )
        if path is not None:
            wanted[name] = replace(picture, path=path)
    return replace(request, init=wanted.get("init"), mask=wanted.get("mask"))


def inputs_beside(record: RenderRecord, picture: Path, *, trusted: bool = False) -> tuple[Path, ...]:
    """Return the input pictures of a record that are found where its picture lies, told by their digests.

    A path in a record is nobody's word: it is looked at only if somebody says that the picture is theirs, and then a file
    there counts only if it is a regular one with the digest that the record says. Shares of a network are not asked.

    Args:
        record: The record.
        picture: The picture it stands in.
        trusted: Look where the record says that they lay, too.
    """
    settings = record.companions or (record.settings,)
    wanted = {p.sha256: p for one in settings for p in (one.init, one.mask) if p is not None and p.sha256}
    found: dict[str, Path] = {}
    for path in islice(_candidates(picture.parent, wanted.values(), trusted=trusted), MOST_CANDIDATES):
        if path.is_file() and path.stat().st_size <= MOST_BYTES:
            digest = digest_file(path).sha256
            if digest in wanted:
                found.setdefault(digest, path)
        if len(found) == len(wanted):
            break
    return tuple(found.values())


def _candidates(folder: Path, wanted: Iterable[InputPicture], *, trusted: bool) -> Iterator[Path]:
    """Yield where input pictures may lie, the likeliest first."""
    names = [PureWindowsPath(picture.name).name for picture in wanted]
    yield from (place / name for name in names for place in (folder / INPUTS, folder))
    recorded = (p.path for p in wanted if p.path is not None) if trusted else ()
    yield from (path for path in recorded if not str(path).startswith(("\\\\", "//")))
    for place in (folder / INPUTS, folder):
        yield from sorted(file for file in _files(place) if file.suffix.lower() in PICTURES)


def _files(folder: Path) -> Iterator[Path]:
    try:
        yield from (path for path in folder.iterdir() if path.is_file())
    except OSError:
        return


def _inputs(request: RenderRequest) -> dict[str, InputPicture]:
    given = {"init": request.init, "mask": request.mask}
    return {name: picture for name, picture in given.items() if picture is not None}


def masks_given(request: RenderRequest, record: RenderRecord, files: Iterable[Path]) -> RenderRequest:
    """Return a recorded request with masks from the given files.

    Raises:
        RequestError: A mask picture was not given.
        FileError: A given file cannot be read.
    """
    if not any(isinstance(use.strength.mask, Path) for use in request.loras):
        return request
    files = tuple(files)
    given = {digest_file(file).sha256: file for file in files}
    known: dict[object, str | None] = {adapter.strength.mask: adapter.mask_sha256 for adapter in record.adapters}
    return replace(request, loras=tuple(_masked(request.loras, known, given, files)))


def _masked(
    uses: Iterable[LoraUse], known: Mapping[object, str | None], given: Mapping[str, Path], files: tuple[Path, ...]
) -> Iterator[LoraUse]:
    for use in uses:
        mask = use.strength.mask
        if not isinstance(mask, Path):
            yield use
            continue
        digest = known.get(mask)
        name = PureWindowsPath(mask).name  # both kinds of slashes
        found = given.get(digest) if digest else next((file for file in files if file.name == name), None)
        if found is None:
            what = f"the LoRA is masked by the picture {name[:80]!r}, which is not opened at a path that a record names"
            told = f" (sha256 {digest[:12]})" if digest else ""
            raise RequestError(what + told, where=f"LoRA {use.name[:200]}", remedy=REMEDY)
        yield replace(use, strength=replace(use.strength, mask=found))


def _is_here(name: str, library: Library) -> bool:
    try:
        library.find(name, paths=False)
    except (AdapterError, FileError):
        return False
    return True


def _by_digest(sha256: str, library: Library) -> Path | None:
    try:
        return library.find(sha256, paths=False).path
    except (AdapterError, FileError):
        return None
