"""Input pictures, read through the one door to files, once, and only if they are the file that is meant."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from hashlib import sha256
from threading import Lock

from PIL import Image

from lora_mixer.errors import ChangedFileError, FileError, MissingFileError
from lora_mixer.files import read_file
from lora_mixer.images.pixels import MOST_BYTES, decode_input
from lora_mixer.inputs import InputPicture

KEPT = 4
"""Decoded pictures that are kept: the rows of a batch often start from one."""

_decoded: OrderedDict[str, Image.Image] = OrderedDict()
_turn = Lock()


def open_input(picture: InputPicture) -> tuple[InputPicture, Image.Image]:
    """Return an input picture with its digest, and its pixels, upright.

    Raises:
        MissingFileError: It is not there.
        BrokenFileError: It is no picture that can be read, or too large.
        ChangedFileError: It is another file than the one with the digest it says.
    """
    data = _bytes_of(picture)
    digest = sha256(data).hexdigest()
    if picture.sha256 not in {None, digest}:
        raise ChangedFileError(
            f"the input picture has changed: its digest is {digest[:12]}, was {(picture.sha256 or '')[:12]}",
            where=picture.words,
            remedy="Restore the earlier file, or ask anew for pictures of this one.",
        )
    with _turn:
        image = _decoded.pop(digest, None) or decode_input(data, picture.words)
        _decoded[digest] = image
        while len(_decoded) > KEPT:
            _decoded.popitem(last=False)
    return replace(picture, sha256=digest), image


def _bytes_of(picture: InputPicture) -> bytes:
    if picture.data is not None:
        return picture.data
    if picture.path is None:
        raise MissingFileError(
            f"the input picture {(picture.sha256 or '')[:12]} is not here",
            remedy="Give the file itself: `--with FILE`, or files=[...] in Python.",
        )
    try:
        return read_file(picture.path, at_most=MOST_BYTES)
    except FileError as error:
        raise type(error)(
            f"the input picture cannot be read: {error.what}", where=error.where, remedy=error.remedy
        ) from error
