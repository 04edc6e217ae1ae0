"""Parse values of command-line options."""

from __future__ import annotations

import math
import re

from lora_mixer.errors import RequestError
from lora_mixer.mixes import LoraUse, Strength


def parse_lora(text: str) -> LoraUse:
    """Return the adapter of `NAME=STRENGTH` or `NAME=DENOISER/TEXT`.

    >>> parse_lora("line_art=0.8").strength.denoiser
    0.8
    >>> parse_lora("line_art=0.8/0").strength.of("te1")
    0.0

    Raises:
        RequestError: It is of another form.
    """
    name, _, numbers = text.rpartition("=")
    try:
        denoiser, *rest = [float(number) for number in numbers.split("/")]
        (encoders,) = rest or (None,)
    except ValueError:
        name = ""
        denoiser, encoders = 0.0, None
    if not name:
        raise RequestError(
            f"{text!r} is not a LoRA and its strength",
            where="--lora",
            remedy="Write NAME=STRENGTH, for example line_art=0.8, or NAME=DENOISER/TEXT, for example line_art=0.8/0.",
        )
    for strength in (denoiser, encoders):
        if strength is not None and not math.isfinite(strength):
            raise RequestError(f"{strength} is not a strength", where="--lora", remedy="They are usually from -2 to 2.")
    return LoraUse(name=name, strength=Strength(denoiser, text=encoders))


def parse_size(text: str) -> tuple[int, int]:
    """Return (width, height) of `WxH`.

    >>> parse_size("512x768")
    (512, 768)

    Raises:
        RequestError: It is of another form.
    """
    match = re.fullmatch(r"(\d{1,5})\s*[xX*]\s*(\d{1,5})", text.strip())
    if match is None:
        raise RequestError(f"{text!r} is not a size", where="--size", remedy="Write WxH, for example 512x768.")
    return int(match[1]), int(match[2])


def parse_login(text: str) -> tuple[str, str]:
    """Return (name, password) of `NAME:PASSWORD`.

    >>> parse_login("ada:a:b")
    ('ada', 'a:b')

    Raises:
        RequestError: It is of another form.
    """
    name, _, password = text.partition(":")
    if not name or not password:
        raise RequestError("that is no login", where="--auth", remedy="Write NAME:PASSWORD.")
    return name, password


def parse_limits(text: str) -> tuple[str, tuple[float, ...]]:
    """Return the LoRA of `NAME=LOW..HIGH` and the limits of its strength.

    >>> parse_limits("line_art=0..1.2")
    ('line_art', (0.0, 1.2))

    Raises:
        RequestError: It is of another form.
    """
    name, _, said = text.rpartition("=")
    try:
        limits = tuple(float(part) for part in said.split(".."))
    except ValueError:
        limits = ()
    if not name or len(limits) != 2:
        raise RequestError(
            f"{text!r} is not a LoRA and the limits of its strength",
            where="--lora",
            remedy="Write NAME=LOW..HIGH, for example line_art=0..1.",
        )
    return name, limits
