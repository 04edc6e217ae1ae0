"""Animations: GIF and WebP by Pillow, MP4 by PyAV where it is installed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from lora_mixer.errors import RequestError
from lora_mixer.images.save import write_whole

MOVING = (".gif", ".webp", ".mp4")
"""Endings of files that move."""
FASTEST = 60.0


def check_animation(target: Path, *, where: str = "--output") -> None:
    """Refuse a file that no loop can be written to, before its pictures are drawn.

    Raises:
        RequestError: There is no such format, or PyAV is not installed.
    """
    ending = target.suffix.lower()
    if ending not in MOVING:
        raise RequestError(f"{target.name} is no animation", where=where, remedy=f"Use {', '.join(MOVING)}.")
    if ending == ".mp4":
        _pyav(where)


def save_animation(pictures: Sequence[Image.Image], target: Path, *, fps: float = 8.0, bounce: bool = False) -> None:
    """Write pictures as a loop that never ends; an MP4 holds it once.

    Args:
        pictures: The frames, all of one size.
        target: The file; its ending says what is written.
        fps: Pictures a second.
        bounce: Play forwards, then backwards.

    Raises:
        RequestError: There is no such format, PyAV is not installed, or there is nothing to show.
        FileError: It cannot be written.
    """
    check_animation(target)
    ending = target.suffix.lower()
    if not pictures or len({picture.size for picture in pictures}) > 1 or not 0 < fps <= FASTEST:
        raise RequestError(
            f"{len(pictures)} pictures at {fps:g} a second make no animation",
            remedy=f"Take pictures of one size, and more than 0 to {FASTEST:g} a second.",
        )
    frames = [picture.convert("RGB") for picture in (*pictures, *(pictures[-2:0:-1] if bounce else ()))]
    if ending == ".mp4":
        write_whole(target, lambda out: _write_mp4(frames, out, fps))
        return
    how: dict[str, Any] = {"quality": 90, "method": 4} if ending == ".webp" else {"optimize": True}
    kind, first, rest = ending.removeprefix(".").upper(), frames[0], frames[1:]
    write_whole(
        target,
        lambda out: first.save(
            out, format=kind, save_all=True, append_images=rest, duration=round(1000 / fps), loop=0, **how
        ),
    )


def _write_mp4(frames: Sequence[Image.Image], out: IO[bytes], fps: float) -> None:
    """Write H.264; its sides are even, so a last odd row or column is left out."""
    av = _pyav("--output")
    width, height = (side - side % 2 for side in frames[0].size)
    with av.open(out, mode="w", format="mp4") as container:
        rate = Fraction(fps).limit_denominator(1000)
        stream = container.add_stream("libx264", rate=rate, width=width, height=height, pix_fmt="yuv420p")
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.asarray(frame.crop((0, 0, width, height))), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def _pyav(where: str) -> Any:  # noqa: ANN401 a module
    try:
        return import_module("av")
    except ImportError as error:
        raise RequestError(
            "MP4 is written by PyAV, which is not installed",
            where=where,
            remedy="Run `pip install av`, or write a .webp or .gif.",
        ) from error
