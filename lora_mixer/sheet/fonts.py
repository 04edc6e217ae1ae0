"""Fonts for labels: Pillow's own, and where it lacks a character, whatever the system has."""

from __future__ import annotations

from functools import lru_cache

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

SYSTEM_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "SourceHanSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "msyh.ttc",
    "YuGothM.ttc",
    "malgun.ttf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "Arial Unicode.ttf",
)
"""Tried in this order, by file name in the system's font folders."""

_NO_CHARACTER = "\uffff"
_PROBE_SIZE = 16


def font_for(text: str, size: int) -> tuple[Font, str]:
    r"""Return a font that has the text's characters, and the text as it is to be drawn.

    Where no font has a character it is written out as `\u732b`: ugly, but no picture is labelled with boxes.
    """
    for name in (None, *SYSTEM_FONTS):
        if _load(name, size) and all(_has(name, char) for char in set(text)):
            return _must_load(name, size), text
    return _must_load(None, size), "".join(char if _has(None, char) else _written_out(char) for char in text)


def _written_out(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


@lru_cache(maxsize=256)
def _load(name: str | None, size: int) -> Font | None:
    if name is None:
        return ImageFont.load_default(size)
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


def _must_load(name: str | None, size: int) -> Font:
    return _load(name, size) or ImageFont.load_default(size)


@lru_cache(maxsize=8192)
def _has(name: str | None, char: str) -> bool:
    if char.isspace():
        return True
    font = _must_load(name, _PROBE_SIZE)
    return _shape(font, char) != _shape(font, _NO_CHARACTER)


def _shape(font: Font, char: str) -> tuple[object, bytes]:
    mask = font.getmask(char)
    return mask.size, bytes(mask)
