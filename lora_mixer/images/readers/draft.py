"""Build a request from untrusted text: unusable values are reported, and nothing is guessed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from lora_mixer.images.infotext import Infotext
from lora_mixer.images.readers.names import SAMPLER_NOTES, ProgramNames
from lora_mixer.mixes import LoraUse, Strength
from lora_mixer.request import MAX_SIDE, RenderRequest
from lora_mixer.settings import PICTURE
from lora_mixer.settings.kinds import Real, Whole

MAX_STRENGTH = 100.0
MAX_SHOWN = 60
MAX_NOTES = 100
MAX_LORAS = 200
ENDINGS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".sft", ".gguf")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderResult:
    """What a reader made of a picture's texts.

    Attributes:
        request: What they amount to; None if the reader knows the program but nothing of the settings.
        notes: What was not understood, or means something else here.
        infotext: A1111's text, where it is one.
    """

    request: RenderRequest | None
    notes: tuple[str, ...] = ()
    infotext: Infotext | None = None


@dataclass(slots=True)
class RequestDraft:
    """The settings gathered so far, and what is to be said of them."""

    values: dict[str, Any] = field(default_factory=dict)
    loras: list[LoraUse] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Say something once; beyond a hundred things, that there are more."""
        if len(self.notes) < MAX_NOTES and text not in self.notes:
            self.notes.append(text)
        elif len(self.notes) == MAX_NOTES and text not in self.notes:
            self.notes.append("there is more that was not understood or cannot be carried over")

    def unknown(self, what: str, value: object = None) -> None:
        """Say that something was not understood."""
        self.note(f"not understood: {what}" + ("" if value is None else f" {shown(value)}"))

    def text(self, name: str, value: object) -> None:
        """Take a text; anything else is named."""
        if isinstance(value, str):
            self.values[name] = cleaned(value)
        elif value is not None:
            self.unknown(name, value)

    def number(self, name: str, value: object) -> None:
        """Take a number that stands as a number or as its digits; what is out of range is named."""
        if value is None or value == "":
            return
        kind = PICTURE[name].kind
        read = whole(value) if isinstance(kind, Whole) else real(value)
        if read is None or not isinstance(kind, (Whole, Real)) or not kind.low <= read <= kind.high:
            self.note(f"{name} {shown(value)} is not a value we can use")
        else:
            self.values[name] = read

    def size(self, width: object, height: object) -> None:
        """Take a width and a height, or neither."""
        sides = (whole(width), whole(height))
        if all(side is not None and 1 <= side <= MAX_SIDE for side in sides):
            self.values["width"], self.values["height"] = sides
        elif width is not None or height is not None:
            self.note(f"size {shown(width)}x{shown(height)} is not a value we can use")

    def model(self, name: object) -> None:
        """Take a model's name, without folders and ending."""
        if isinstance(name, str) and stem(name):
            self.values["model"] = stem(name)

    def sampler(self, names: ProgramNames, sampler: object, schedule: object = None) -> None:
        """Take a sampler and a schedule by the names of another program; those without a row here are named."""
        found = names.sampler(sampler)
        if found is not None:
            self.values["sampler"], ending = found
            if sampler in SAMPLER_NOTES:
                self.note(SAMPLER_NOTES[str(sampler)])
            if ending is not None:
                self.values["schedule"] = ending
        elif sampler is not None:
            self.unknown("sampler", sampler)
        if schedule is None:
            return
        kind = names.schedule(schedule)
        if kind is not None:
            self.values["schedule"] = kind
        else:
            self.unknown("schedule", schedule)

    def lora(self, name: object, denoiser: object, text: object = None) -> None:
        """Take a LoRA and its strengths; one whose strength cannot be read is named and left out."""
        if not isinstance(name, str) or not stem(name) or stem(name).lower() == "none":
            return
        if len(self.loras) >= MAX_LORAS:
            self.unknown(f"more than {MAX_LORAS} LoRAs")
            return
        strength, clip = strength_of(denoiser), None if text is None else strength_of(text)
        if strength is None or (clip is None and text is not None):
            self.unknown(f"the strength of LoRA {shown(stem(name))},", denoiser if strength is None else text)
        else:
            self.loras.append(LoraUse(name=stem(name), strength=Strength(strength, text=clip)))

    def request(self) -> RenderRequest:
        """Return what was gathered."""
        values = {"prompt": "", **self.values}
        return RenderRequest(**values, loras=tuple(self.loras))

    def found(self, infotext: Infotext | None = None) -> ReaderResult:
        """Return what was gathered, with the notes."""
        return ReaderResult(request=self.request(), notes=tuple(self.notes), infotext=infotext)


def whole(value: object) -> int | None:
    """Return a whole number that stands as one, as `20.0` or as digits.

    >>> whole("20"), whole(20.0), whole("a"), whole(True), whole("9" * 400)
    (20, 20, None, None, None)
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = real(value)
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal() and len(value) <= 40:
        return int(value)
    return int(number) if number is not None and number.is_integer() and abs(number) < 2**53 else None


def real(value: object) -> float | None:
    """Return a finite number that stands as one or as its digits."""
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float, str))
        or (isinstance(value, str) and len(value) > 40)
    ):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def strength_of(value: object) -> float | None:
    """Return a LoRA's strength, or None if it is none that anybody means."""
    number = real(value)
    return number if number is not None and abs(number) <= MAX_STRENGTH else None


def stem(name: str) -> str:
    r"""Return a file's name without folders and ending.

    >>> stem("SDXL\\my.lora.safetensors"), stem("a/b v1.0")
    ('my.lora', 'b v1.0')
    """
    base = cleaned(name).replace("\\", "/").rsplit("/", 1)[-1].strip()
    ending = next((ending for ending in ENDINGS if base.lower().endswith(ending)), "")
    return base[: len(base) - len(ending)]


def cleaned(text: str) -> str:
    """Return a text whose halves of characters, which no file can hold, are replaced."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text


def shown(value: object) -> str:
    """Return a value in words that fit a line."""
    text = cleaned(value if isinstance(value, str) else repr(value))
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."
