"""Step curves by name and as text: what the strip's box for them takes."""

from __future__ import annotations

from dataclasses import replace

from lora_mixer.errors import PromptError, RequestError
from lora_mixer.prompt import Keyframes, LoraTag, parse
from lora_mixer_app.web.desk.strip import Shape, Strip, tidy

ALWAYS = "always"
PRESETS: tuple[tuple[str, Shape | None], ...] = (
    (ALWAYS, None),
    ("fade in", ((0.0, 0.0), (1.0, 1.0))),
    ("fade out", ((0.0, 1.0), (1.0, 0.0))),
    ("early", ((0.0, 1.0), (0.5, 1.0), (0.6, 0.0))),
    ("late", ((0.4, 0.0), (0.5, 1.0), (1.0, 1.0))),
    ("middle", ((0.2, 0.0), (0.4, 1.0), (0.6, 1.0), (0.8, 0.0))),
)
"""Name -> factor over the course; other curves are written `factor@position,...`, steps `3-10`."""


def curve_text(strip: Strip) -> str:
    """Return a strip's curve as the box shows it.

    >>> curve_text(Strip(name="a", start=3, stop=10))
    '3-10'
    """
    parts = []
    if strip.shape is not None:
        named = next((name for name, shape in PRESETS if shape == strip.shape and strip.fraction), None)
        parts.append(named or ",".join(f"{tidy(factor):g}@{position:g}" for position, factor in strip.shape))
    if strip.start != 1 or strip.stop is not None:
        parts.append(f"{strip.start}-{strip.stop or ''}")
    return "; ".join(parts) or ALWAYS


def with_curve(strip: Strip, text: str) -> Strip:
    """Return a strip with the curve that a text of the box asks for.

    >>> with_curve(Strip(name="a"), "1@0,0@0.5").shape
    ((0.0, 1.0), (0.5, 0.0))

    Raises:
        RequestError: It is no curve.
    """
    plain = replace(strip, shape=None, fraction=True, start=1, stop=None)
    try:
        for part in text.split(";"):
            plain = _with_part(plain, part.strip())
    except PromptError as error:
        raise RequestError(
            f"{text!r} is no curve over the steps",
            where=f"LoRA {strip.name}",
            remedy="Choose one of the list, or write factors at fractions of the course (1@0,0@0.5) or steps (3-10).",
        ) from error
    return plain


def _with_part(strip: Strip, text: str) -> Strip:
    """Return a strip with a named curve, factors or a window of steps; an empty text changes nothing."""
    named = dict(PRESETS)
    if not text or text in named:
        return replace(strip, shape=named.get(text)) if text else strip
    if "@" in text:
        tag = _tag(f"1:{text}")
        assert isinstance(tag.denoiser, Keyframes)
        return replace(strip, shape=tag.denoiser.points, fraction=tag.denoiser.fraction)
    first, _, last = text.partition("-")
    tag = _tag(f"1:start={first}:stop={last}" if last.strip() else f"1:start={first}")
    return replace(strip, start=tag.start, stop=tag.stop)


def _tag(arguments: str) -> LoraTag:
    (node,) = parse(f"<lora:x:{arguments}>").clauses[0].children
    if not isinstance(node, LoraTag):
        raise PromptError("no tag")
    return node
