"""Tags: `<lora:name:te:unet:dyn>` with named arguments and strengths that move over the steps, `<mix:method>`."""

from __future__ import annotations

import difflib
import math
import re

from lora_mixer.choices import find_method
from lora_mixer.errors import PromptError, RequestError
from lora_mixer.prompt.nodes import Keyframes, LoraTag

LORA_WORDS = ("lora", "lyco", "loractl")
MIX_WORD = "mix"
REGION_WORD = "region"
TAG_WORDS = (*LORA_WORDS, MIX_WORD, REGION_WORD)
_TEXT, _DENOISER = "te", "unet"  # A1111's words
_POSITIONS = (_TEXT, _DENOISER, "dyn")
_NAMED = (*_POSITIONS, "lbw", "lbwe", "start", "stop", "step", "hr", "hrte", "hrunet")
_WEIGHTS_AT = {1: "lbw", 2: "lbwe"}  # where sd-webui-lora-block-weight takes weights without their names
_NUMBER = re.compile(r"[+-]?(?:\d++\.?+\d*+|\.\d++)(?:[eE][+-]?\d++)?", re.ASCII)
_ELEMENTS = re.compile(r"\s*lbwe\s*=(?!\s*\w+\s*$)|\s*lbwe\s*=\s*(?:IN\d\d|OUT\d\d|MID|M00|BASE)\s*$")
_USED_UP = ("x",)  # what an X among block weights stood for, which is a number by now
_EXAMPLE = "Write it like <lora:name:0.8>."
_MAX_STRENGTH = 1000.0

_Argument = tuple[str, int]  # what was written, and where


def number(text: str) -> float | None:
    """Return a plain decimal number, or None if the text is none.

    >>> number(" -.5 "), number("1.1.1"), number("nan")
    (-0.5, None, None)
    """
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def parse_tag(text: str, at: int, end: int) -> LoraTag:
    """Return the LoRA tag at `text[at:end]`, angle brackets included.

    Raises:
        PromptError: It has no name, a bad number or an unknown argument.
    """
    position = text.index(":", at) + 1
    name, *arguments = _joined(text[position : end - 1].split(":"))
    if not name.strip():
        raise PromptError("a LoRA tag has no name", position=at, remedy=_EXAMPLE)
    return _tag(name.strip(), _arguments(arguments, position + len(name) + 1), at)


def parse_mix_tag(text: str, at: int, end: int) -> str:
    """Return the method that the tag at `text[at:end]` names, with every number: `<mix:ties:density=0.3>`.

    Raises:
        PromptError: There is no such method, or it takes no such number.
    """
    position = text.index(":", at) + 1
    try:
        return str(find_method(text[position : end - 1]))
    except RequestError as error:
        raise PromptError(error.what, position=position, remedy=error.remedy) from error


def _joined(arguments: list[str]) -> list[str]:
    """Return the parts of a tag with elements in one: `lbwe=IN05:attn:0.5`, where colons may stand for slashes."""
    joined: list[str] = []
    for argument in arguments:
        open_element = joined[-1].rpartition(",")[2] if joined and _ELEMENTS.match(joined[-1]) else None
        if open_element is not None and "=" not in argument and open_element.count(":") + open_element.count("/") < 2:
            joined[-1] = f"{joined[-1]}:{argument}"
        else:
            joined.append(argument)
    return joined


def _arguments(arguments: list[str], position: int) -> dict[str, _Argument]:
    given: dict[str, _Argument] = {}
    named: dict[str, _Argument] = {}
    for place, argument in enumerate(arguments):
        key, equals, value = _with_name(argument, place).partition("=")
        if equals:
            named[_known(key.strip(), position)] = (value.strip(), position + len(key) + 1)
        elif len(given) == len(_POSITIONS):
            raise PromptError(f"a LoRA tag has one argument too many, {argument!r}", position=position, remedy=_EXAMPLE)
        else:
            given[_POSITIONS[len(given)]] = (argument.strip(), position)
        position += len(argument) + 1
    return given | named


def _with_name(argument: str, place: int) -> str:
    """Return weights of blocks or layers that stand where the denoiser's strength may, a preset or a list, with their name.

    Source: `syntaxdealer(items, "lbw=", 2)` and `(items, "lbwe=", 3)` in sd-webui-lora-block-weight.
    """
    word = argument.strip()
    is_list = "," in word and not any(mark in word for mark in "@~=")
    is_preset = word[:1].isalpha() and "=" not in word
    return f"{_WEIGHTS_AT[place]}={word}" if place in _WEIGHTS_AT and (is_list or is_preset) else argument


def _known(key: str, position: int) -> str:
    if key in (*_NAMED, *_USED_UP):
        return key
    nearest = difflib.get_close_matches(key, _NAMED, n=1)
    hint = f"Did you mean {nearest[0]}=? " if nearest else ""
    raise PromptError(
        f"a LoRA tag has no argument {key!r}", position=position, remedy=f"{hint}There are: {', '.join(_NAMED)}."
    )


def _tag(name: str, arguments: dict[str, _Argument], at: int) -> LoraTag:
    text = _strength(*arguments[_TEXT]) if _TEXT in arguments else 1.0
    denoiser = _strength(*arguments[_DENOISER]) if _DENOISER in arguments else None
    start, stop = _steps(arguments)
    second = {key: _strength(*arguments[key]) for key in ("hr", "hrte", "hrunet") if key in arguments}
    return LoraTag(
        name=name,
        text=text,
        denoiser=None if denoiser == text else denoiser,
        rank=_count("dyn", *arguments["dyn"]) if "dyn" in arguments else None,
        blocks_text=_words("lbw", arguments),
        elements_text=_words("lbwe", arguments),
        start=start,
        stop=stop,
        hires_text=second.get("hrte", second.get("hr")),
        hires_denoiser=second.get("hrunet", second.get("hr")),
        at=at,
    )


def _words(key: str, arguments: dict[str, _Argument]) -> str | None:
    if key not in arguments:
        return None
    text, position = arguments[key]
    if not text:
        raise PromptError(
            f"{key}= in a LoRA tag is empty", position=position, remedy="Write values or a preset's name."
        )
    return text


def _strength(text: str, position: int) -> float | Keyframes:
    if "@" not in text and "~" not in text:
        return _plain(text, position)
    points = []
    for point in re.split(r"[,;]", text):
        weight, _, where = point.replace("~", "@").partition("@")
        points.append((_plain(where, position) if where.strip() else 1.0, _plain(weight, position)))
    if any(position_ < 0 for position_, _ in points):
        raise PromptError(f"{text!r} has a point before the first step", position=position, remedy="Use 0 or more.")
    points.sort(key=lambda pair: pair[0])
    return Keyframes(points=tuple(dict(points).items()), fraction=points[-1][0] <= 1.0)


def _plain(text: str, position: int) -> float:
    value = number(text)
    if value is None:
        raise PromptError(
            f"{text!r} in a LoRA tag is not a number", position=position, remedy=f"{_EXAMPLE} Use a dot for fractions."
        )
    if not math.isfinite(value) or abs(value) > _MAX_STRENGTH:
        raise PromptError(
            f"{text!r} in a LoRA tag is too large", position=position, remedy="Strengths are usually within -2 to 2."
        )
    return value


def _count(key: str, text: str, position: int) -> int:
    value = number(text)
    if value is None or not 1 <= value <= 1_000_000 or value != int(value):
        raise PromptError(
            f"{key}={text} in a LoRA tag is not a count", position=position, remedy="Use a whole number from 1 up."
        )
    return int(value)


def _steps(arguments: dict[str, _Argument]) -> tuple[int, int | None]:
    start, stop = 1, None
    if "step" in arguments:
        text, position = arguments["step"]
        first, dash, last = text.partition("-")
        start = _count("step", first, position)
        stop = _count("step", last, position) if dash else start
    if "start" in arguments:
        start = max(1, _count("start", *arguments["start"]))
    if "stop" in arguments:
        stop = _count("stop", *arguments["stop"])
    if stop is not None and stop < start:
        position = min(arguments[key][1] for key in ("step", "start", "stop") if key in arguments)
        raise PromptError(
            f"a LoRA tag stops at step {stop}, before it starts at step {start}",
            position=position,
            remedy="Give start= the smaller number.",
        )
    return start, stop
