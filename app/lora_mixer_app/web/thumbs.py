"""Small copies of pictures for lists: made once, small on the wire, and never the owner's file itself."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PIL import Image, ImageDraw, ImageEnhance

from lora_mixer.errors import FileError
from lora_mixer.images import load_pixels
from lora_mixer_app.serving.owners import folder_of

SIDE = 160
_MOST_PIXELS = 16_000_000  # more is a bomb, or no preview
_DIM = 0.45


class Thumbs:
    """Thumbnails in a folder.

    Args:
        folder: Where they are made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def of(self, path: Path | None, *, name: str, grey: bool = False, owner: str = "") -> Path:
        """Return the thumbnail of a picture; without one that can be read, a tile of a colour that is the name's own.

        Args:
            path: The picture.
            name: What it is a picture of.
            grey: Grey and dim, for what cannot be chosen.
            owner: Whose it is, if it is somebody's.
        """
        thumb = self._place(path, name, grey=grey, owner=owner)
        if not thumb.exists():
            thumb.parent.mkdir(exist_ok=True)
            image = (_opened(path) if path else None) or _tile(name)
            image = ImageEnhance.Brightness(image.convert("L")).enhance(_DIM).convert("RGB") if grey else image
            image.save(thumb, "WEBP", quality=85)
        return thumb

    def forget(self, path: Path, *, name: str, owner: str = "") -> None:
        """Delete the thumbnail of a picture that is about to be deleted."""
        if path.exists():
            self._place(path, name, owner=owner).unlink(missing_ok=True)

    def _place(self, path: Path | None, name: str, *, grey: bool = False, owner: str = "") -> Path:
        try:
            stamp = f"{path}\0{path.stat().st_mtime_ns}" if path else ""
        except OSError:
            stamp = ""
        key = hashlib.sha256(f"{stamp}\0{name}\0{grey}".encode("utf-8", "surrogateescape")).hexdigest()[:24]
        return folder_of(self.folder, owner) / f"{key}.webp"


def _opened(path: Path) -> Image.Image | None:
    try:
        small = load_pixels(path, "RGB", most=_MOST_PIXELS, side=_MOST_PIXELS, about=(SIDE, SIDE))
    except FileError:
        return None
    small.thumbnail((SIDE, SIDE))
    return small


def _tile(name: str) -> Image.Image:
    hue = int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()[:2], "big") % 360
    tile = Image.new("RGB", (SIDE, SIDE), f"hsl({hue}, 35%, 45%)")
    ImageDraw.Draw(tile).ellipse((SIDE * 0.3, SIDE * 0.3, SIDE * 0.7, SIDE * 0.7), fill=f"hsl({hue}, 45%, 65%)")
    return tile
