"""Where in the picture something acts: a rectangle in fractions of its sides, or a mask that was drawn."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from lora_mixer.errors import RequestError
from lora_mixer.fieldtypes import check_fields, wrong_type

DATA_URL = "data:image/png;base64,"
"""What a drawn mask begins with where it stands in a text."""

BACKGROUND = "background"
"""The mask of what is in no other region, where it stands in a text."""

MOST_BYTES = 256 * 1024
"""Bytes of a drawn mask; the one of a large picture at its latents' size takes a few thousand."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """A part of the picture, in fractions of its width and height."""

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        """Refuse edges that are no numbers."""
        check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class CenterCrop:
    """The part that is kept of a picture that was enlarged to cover another shape, in cells of the latent.

    Attributes:
        whole: Height and width of the enlarged picture.
        kept: Height and width of what is kept of it.
    """

    whole: tuple[int, int]
    kept: tuple[int, int]

    @classmethod
    def covering(cls, size: tuple[int, int], kept: tuple[int, int]) -> CenterCrop:
        """Return what is kept of a picture of some height and width that is to cover others, as A1111 crops: its middle.

        >>> CenterCrop.covering((8, 8), (8, 16))
        CenterCrop(whole=(16, 16), kept=(8, 16))
        """
        factor = max(to / side for to, side in zip(kept, size, strict=True))
        return cls(whole=(round(size[0] * factor), round(size[1] * factor)), kept=kept)

    @property
    def corner(self) -> tuple[int, int]:
        """Top and left of what is kept."""
        (height, width), (high, wide) = self.whole, self.kept
        return (height - high) // 2, (width - wide) // 2

    @property
    def cuts(self) -> bool:
        """Whether anything is cut off."""
        return self.whole != self.kept


@dataclass(frozen=True, slots=True)
class RestOfPicture:
    """Whatever no other region claims."""

    rest: bool = True


@dataclass(frozen=True, slots=True)
class DrawnMask:
    """A mask by its pixels, compact enough for a record: a PNG file in base64. White acts; black and transparent do not.

    Attributes:
        png: The file, in base64.
    """

    png: str

    def __post_init__(self) -> None:
        """Refuse what is no PNG, or a large one."""
        check_fields(self)
        if not self.file.startswith(_SIGNATURE):
            raise _no_mask("it is no PNG")

    @property
    def file(self) -> bytes:
        """The PNG file."""
        if len(self.png) > MOST_BYTES * 4 // 3 + 4:
            raise _no_mask(f"it has more than {MOST_BYTES // 1024} KiB")
        try:
            return base64.b64decode(self.png, validate=True)
        except (binascii.Error, ValueError) as error:
            raise _no_mask("it is no base64") from error

    @property
    def text(self) -> str:
        """The mask as it stands in a text, such as a prompt file: a data URL (RFC 2397)."""
        return DATA_URL + self.png

    @classmethod
    def of(cls, png: bytes) -> DrawnMask:
        """Return the mask of a PNG file's bytes."""
        return cls(base64.b64encode(png).decode("ascii"))

    @classmethod
    def read(cls, text: str) -> DrawnMask | None:
        """Return the mask of a data URL; None for another text.

        Raises:
            RequestError: It is a data URL, but holds no PNG.
        """
        return cls(text.removeprefix(DATA_URL)) if text.startswith(DATA_URL) else None


def rectangle_of(edges: object, *, owner: str) -> Rectangle:
    """Return the rectangle of four edges, however they are listed.

    Raises:
        RequestError: They are no four numbers.
    """
    if isinstance(edges, (list, tuple)) and len(edges) == 4:
        left, top, right, bottom = edges
        return Rectangle(left=left, top=top, right=right, bottom=bottom)
    raise wrong_type(owner, "mask", edges, "left, top, right and bottom", "mask=(0, 0, 0.5, 1)")


def check_rectangle(area: Rectangle) -> None:
    """Refuse a rectangle that has no area in the picture.

    Raises:
        RequestError: It has none.
    """
    if not (0.0 <= area.left < area.right <= 1.0 and 0.0 <= area.top < area.bottom <= 1.0):
        raise RequestError(
            f"the mask ({area.left:g}, {area.top:g}, {area.right:g}, {area.bottom:g}) is no part of the picture",
            remedy="Give left < right and top < bottom as fractions from 0 to 1.",
        )


def _no_mask(why: str) -> RequestError:
    return RequestError(
        f"this is no drawn mask: {why}", remedy=f"Write {DATA_URL}... with a grey PNG, a few hundred pixels wide."
    )
