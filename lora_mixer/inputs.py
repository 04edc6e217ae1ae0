"""Pictures that go into a render: where one lies, and the digest that tells it from any other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator

from lora_mixer.fieldtypes import wrong_type

INPUTS = "inputs"
"""The folder beside a picture in which input pictures are kept that lie in no file of their own."""


def _not_from_text(_given: object) -> None:
    """Take no pixels out of a record: they come from the file that its digest names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputPicture:
    """A picture that a render starts from, or a mask.

    Attributes:
        path: Where it lies, as it was given; None for one that was given as an object.
        sha256: The digest of its file; None until the file has been read.
        data: The file itself, of a picture that was given as an object. Records do not hold it.
    """

    path: Path | None = None
    sha256: str | None = None
    data: Annotated[bytes | None, BeforeValidator(_not_from_text)] = field(
        default=None, repr=False, compare=False, metadata={"plain": False}
    )

    @staticmethod
    def of(given: object, *, owner: str = "RenderRequest", name: str = "init") -> InputPicture:
        """Return an input picture, however it was given: a path, a Pillow image, the bytes of a file.

        Raises:
            RequestError: It is none of these.
        """
        if isinstance(given, InputPicture):
            return given
        if isinstance(given, (str, PathLike)) and str(given):
            return InputPicture(path=Path(given))
        data = bytes(given) if isinstance(given, (bytes, bytearray)) else _png(given)
        if not data:
            raise wrong_type(owner, name, given, "a path or a Pillow image", f'{name}="photo.png"')
        return InputPicture(sha256=sha256(data).hexdigest(), data=data)

    @property
    def words(self) -> str:
        """How an error calls it."""
        return str(self.path) if self.path is not None else f"the picture {(self.sha256 or '')[:12]}"

    @property
    def name(self) -> str:
        """What it is called in errors and beside pictures."""
        if self.path is not None:
            return self.path.name
        return f"{(self.sha256 or '')[:16]}.png"

    def kept_in(self, folder: Path) -> InputPicture:
        """Return it with the path it is kept at beside pictures in a folder, if it lies in no file of its own."""
        stays = self.path is not None or self.data is not None
        return self if stays else replace(self, path=folder / INPUTS / self.name)

    def beside(self, folder: Path) -> InputPicture:
        """Return it with a relative path taken from a folder."""
        return self if self.path is None else replace(self, path=folder / self.path.expanduser())


def _png(given: object) -> bytes:
    """Return a Pillow image as the bytes of a PNG file; nothing for anything else."""
    from PIL import Image, ImageOps

    if not isinstance(given, Image.Image):
        return b""
    out = BytesIO()
    upright = ImageOps.exif_transpose(given)
    upright = upright if upright.mode in {"L", "LA", "RGB", "RGBA", "1", "I;16"} else upright.convert("RGBA")
    upright.info = {}
    upright.save(out, format="PNG")
    return out.getvalue()
