"""Random block weights of LoRA tags become numbers, drawn from the picture's seed, before the prompt is recorded.

Source: sd-webui-lora-block-weight: in a list, `R` is a number from 0 to 1, `U` one from -0.5 to 1.5 (its page says
-1.5 to 1.5, its code does this), both with three decimals, and `X`, `X+0.1`, `X-0.1` are the tag's `x=` (1 without
it) and what is added to it.
"""

from __future__ import annotations

import random
import re

from lora_mixer.errors import PromptError
from lora_mixer.prompt.tag_places import rewritten_tags
from lora_mixer.prompt.tags import number

_LIST = re.compile(r"(?<=:)\s*lbw\s*=(?P<values>[^:>]*,[^:>]*)")
_X = re.compile(r":\s*x\s*=(?P<value>[^:>]*)")
_VARIED = re.compile(r"X(?:(?P<sign>[+-])(?P<number>[\d.]+))?", re.ASCII)


def draw_blocks(text: str, *, seed: int) -> str:
    """Return a prompt whose LoRA tags have numbers in their block weights.

    Raises:
        PromptError: `x=` or what is added to an X is no number.

    >>> draw_blocks("<lora:a:1:lbw=1,X-0.25,0:x=0.5>", seed=1)
    '<lora:a:1:lbw=1,0.25,0:x=0.5>'
    """
    if "lbw" not in text:
        return text
    dice = random.Random(f"block weights {seed}")  # noqa: S311 a draw that can be repeated, no secret
    return rewritten_tags(text, lambda place: _drawn(text[place.at : place.end], place.at, dice))


def _drawn(tag: str, at: int, dice: random.Random) -> str:
    given = _X.search(tag)
    base = _number(given["value"], at) if given else 1.0

    def settled(found: re.Match[str]) -> str:
        values = found["values"].split(",")
        return "lbw=" + ",".join(_value(value.strip(), base, dice, at) for value in values)

    return _LIST.sub(settled, tag)


def _value(written: str, base: float, dice: random.Random, at: int) -> str:
    if written == "R":
        return f"{dice.random():.3f}"
    if written == "U":
        return f"{dice.uniform(-0.5, 1.5):.3f}"
    varied = _VARIED.fullmatch(written)
    if varied is None:
        return written
    change = _number(varied["number"], at) if varied["number"] else 0.0
    return f"{base - change if varied['sign'] == '-' else base + change:.6g}"


def _number(written: str, at: int) -> float:
    value = number(written)
    if value is None:
        raise PromptError(
            f"{written.strip()!r} varies no block weight",
            position=at,
            remedy="Write numbers, as in lbw=1,X,X-0.1,0 with x=0.5.",
        )
    return value
