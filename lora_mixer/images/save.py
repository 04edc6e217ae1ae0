"""Writing a picture so that a crash leaves either the whole file or none, with its record inside."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from io import TextIOBase
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import MappingProxyType
from typing import IO, cast, overload

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lora_mixer.errors import FileError, RequestError
from lora_mixer.fieldtypes import wrong_type
from lora_mixer.files.modes import share_by_umask
from lora_mixer.images.describe import infotext
from lora_mixer.images.record import RenderRecord
from lora_mixer.inputs import INPUTS

PARAMETERS = "parameters"
OUR_CHUNK = "lora-mixer"
EXIF_IFD = 0x8769
USER_COMMENT = 0x9286
MAKER_NOTE = 0x927C
UNICODE = b"UNICODE\0"
OUR_NOTE = b"lora-mixer\0"
MAX_EXIF = 65_000

FORMATS: Mapping[str, tuple[str, Mapping[str, object]]] = MappingProxyType(
    {
        ".png": ("PNG", {"compress_level": 4}),
        ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
        ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
        ".webp": ("WEBP", {"quality": 95}),
        ".avif": ("AVIF", {"quality": 90}),
    }
)
"""Ending to Pillow's format and how it is written. Only PNG keeps the pixels exactly; at level 4 it takes half the time of
zlib's own 6, and 1 to 3 % more room (200 rendered pictures, and their grid)."""


@overload
def save_picture(
    image: Image.Image, record: RenderRecord, target: str | os.PathLike[str], *, format: str | None = None
) -> Path: ...
@overload
def save_picture(image: Image.Image, record: RenderRecord, target: IO[bytes], *, format: str | None = None) -> None: ...
def save_picture(
    image: Image.Image,
    record: RenderRecord,
    target: str | os.PathLike[str] | IO[bytes],
    *,
    format: str | None = None,
) -> Path | None:
    """Write a picture with its infotext and its whole record; return the path, if it has one.

    PNG holds them as the text chunks `parameters` and `lora-mixer`, the other formats as the EXIF fields
    UserComment and MakerNote.

    Args:
        image: The pixels.
        record: How they came to be.
        target: A path in a folder that exists, or a file that is open for writing bytes.
        format: An ending such as `webp`; None takes the path's own, and PNG for an open file.

    Raises:
        RequestError: The format is not known, or its metadata has no room for the record.
        FileError: The file cannot be written.
    """
    path = Path(target) if isinstance(target, (str, os.PathLike)) else None
    where = "an open file" if path is None else str(path)
    ending = f".{format.lower().removeprefix('.')}" if format else ".png" if path is None else path.suffix.lower()
    if ending not in FORMATS:
        raise RequestError(
            f"pictures cannot be written as {ending or 'a file without ending'}",
            where=where,
            remedy=f"Use one of {', '.join(FORMATS)}.",
        )
    name, options = FORMATS[ending]
    metadata = _chunks(record) if name == "PNG" else {"exif": _exif(record, where)}

    def write(out: IO[bytes]) -> None:
        image.save(out, name, **options, **metadata)

    if isinstance(target, (str, os.PathLike)):
        _keep_inputs(record, Path(target).parent)
        write_whole(Path(target), write)
    else:
        write(open_target(target))
    return path


def _keep_inputs(record: RenderRecord, folder: Path) -> None:
    """Write input pictures that were given as objects beside the picture, named by digest, so that it can be rendered again."""
    for one in record.companions or (record.settings,):
        for picture in (one.init, one.mask):
            data = None if picture is None or picture.path is not None else picture.data
            if picture is not None and data is not None:
                place = make_folder(folder / INPUTS) / picture.name
                if not place.exists():
                    write_whole(place, partial(_write, data))


def _write(data: bytes, out: IO[bytes]) -> None:
    out.write(data)


def open_target(target: object) -> IO[bytes]:
    """Return an open file as a target for a picture.

    Raises:
        RequestError: It takes no bytes.
    """
    if not callable(getattr(target, "write", None)) or isinstance(target, TextIOBase):
        raise wrong_type("save", "the target", target, "a path or a file open for writing bytes", 'save("heart.png")')
    return cast("IO[bytes]", target)


def make_folder(folder: Path) -> Path:
    """Make a folder with its parents, if it does not exist; return it.

    Raises:
        FileError: A file stands in its place, or the disk refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        blocked = isinstance(error, (FileExistsError, NotADirectoryError))
        raise FileError(
            "a file stands where the folder should be" if blocked else f"cannot be made: {error.strerror or error}",
            where=str(folder),
            remedy="Name another folder.",
        ) from error
    return folder


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file under a temporary name, flush it to the disk, then give it its name.

    Raises:
        FileError: The disk is full, the folder is missing or not writable.
    """
    temporary: Path | None = None
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name[:40]}.", delete=False) as out:
            temporary = Path(out.name)
            write(out)
            out.flush()
            os.fsync(out.fileno())
        share_by_umask(temporary)
        temporary.replace(path)
        temporary = None
    except OSError as error:
        raise FileError(
            f"cannot be written: {error.strerror or error}", where=str(path), remedy="Check the folder and the disk."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _chunks(record: RenderRecord) -> dict[str, object]:
    info = PngInfo()
    info.add_text(PARAMETERS, infotext(record))
    info.add_itxt(OUR_CHUNK, record.to_json())
    return {"pnginfo": info}


def _exif(record: RenderRecord, where: str) -> bytes:
    exif = Image.Exif()
    fields = exif.get_ifd(EXIF_IFD)
    fields[USER_COMMENT] = UNICODE + infotext(record).encode("utf-16-be", "replace")
    fields[MAKER_NOTE] = OUR_NOTE + record.to_json().encode("utf-8", "replace")
    data = exif.tobytes()
    if len(data) > MAX_EXIF:
        raise RequestError(
            f"the record takes {len(data)} bytes, and this format has room for {MAX_EXIF}",
            where=where,
            remedy="Save the picture as .png.",
        )
    return data
