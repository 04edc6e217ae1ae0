"""A1111's generation parameters as text: prompt, `Negative prompt:`, one line of `Key: value` pairs.

Format: `modules/infotext_utils.py` and `modules/processing.py` of AUTOMATIC1111/stable-diffusion-webui; Forge writes
the same with some keys more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lora_mixer.images.record import usable_hash
from lora_mixer.images.scan import quote_value, scan_fields

MAX_INFOTEXT = 64 * 1024
NEGATIVE = "Negative prompt:"
TEMPLATES = ("Template: ", "Negative template: ", "Negative Template: ")
MIN_FIELDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Infotext:
    """The parts of an infotext.

    Attributes:
        prompt: The positive prompt, LoRA tags and all.
        negative: The negative prompt; empty if there is none.
        fields: The other values by A1111's name, in the order they stand in.
        notes: What could not be understood, for the user.
    """

    prompt: str
    negative: str = ""
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()

    def to_text(self) -> str:
        """Return the text as A1111 writes it; `parse_infotext` gives equal parts back."""
        pairs = (key if key == value else f"{key}: {quote_value(value)}" for key, value in self.fields.items())
        negative = f"\n{NEGATIVE} {self.negative}" if self.negative else ""
        return f"{self.prompt}{negative}\n{', '.join(pairs)}"

    def hashes(self, key: str = "Lora hashes") -> dict[str, str]:
        """Return name to hash from a `Lora hashes` or `TI hashes` field; the hash of nothing is left out."""
        pairs = scan_fields(self.fields.get(key, ""))
        return {name: digest for name, digest in pairs if name != digest and usable_hash(digest)}


def parse_infotext(text: str) -> Infotext:
    """Read an infotext of A1111, Forge or whoever writes their form. Never fails; linear in the text's length.

    The parameters are the last line that holds three pairs or more. Lines below it (extensions wrote such before
    A1111 quoted values) are noted and left, and so are the templates that SD.Next puts above it. Where everything
    stands in one line, it is divided at `Steps:`.
    """
    notes = []
    if len(text) > MAX_INFOTEXT:
        notes.append(f"only the first {MAX_INFOTEXT} of {len(text)} characters were read")
        text = text[:MAX_INFOTEXT]
    lines = text.replace("\r\n", "\n").rstrip().split("\n")
    at, head, pairs = _parameters(lines)
    if at + 1 < len(lines):
        notes.append(f"{len(lines) - at - 1} lines below the parameters were not understood")
    above = [*lines[:at], *(_jammed(head) if head else ())]
    kept = _without_templates(above)
    if len(kept) < len(above):
        notes.append("the template that the prompt was drawn from is not carried over")
    prompt, negative = _split_negative(kept)
    fields: dict[str, str] = {}
    for key, value in pairs:
        if key in fields:
            notes.append(f"{key} stands twice; the first is used")
        fields.setdefault(key, value)
    return Infotext(prompt=prompt, negative=negative, fields=MappingProxyType(fields), notes=tuple(notes))


def _parameters(lines: list[str]) -> tuple[int, str, tuple[tuple[str, str], ...]]:
    """Find the parameters line: the last line if it has enough pairs, else the last one that begins like A1111's.

    Returns its index, what stands before `Steps:` in it, and its pairs.
    """
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index]
        if index == len(lines) - 1 or line.startswith("Steps: "):
            start = _start(line)
            pairs = scan_fields(line[start:])
            if sum(key != value for key, value in pairs) >= MIN_FIELDS:
                return index, line[:start], pairs
    return len(lines), "", ()


def _start(line: str) -> int:
    """Return where `Steps: 20` begins in a line that holds the prompt, too; 0 in one that does not."""
    at = line.find("Steps: ")
    while at > 0:
        if line[at - 1] in " .,\t" and line[at + 7 : at + 8].isdecimal():
            return at
        at = line.find("Steps: ", at + 1)
    return 0


def _jammed(head: str) -> list[str]:
    """Divide what stands before `Steps:` in the one line into prompt and negative prompt."""
    prompt, mark, negative = head.partition(NEGATIVE)
    lines = [prompt.strip().rstrip(",.").strip()]
    return [*lines, mark + " " + negative.strip().rstrip(",.").strip()] if mark else lines


def _without_templates(lines: list[str]) -> list[str]:
    negative = next((at for at, line in enumerate(lines) if line.startswith(NEGATIVE)), len(lines))
    template = next((at for at in range(negative, len(lines)) if lines[at].startswith(TEMPLATES)), len(lines))
    return lines[:template]


def _split_negative(lines: list[str]) -> tuple[str, str]:
    positive: list[str] = []
    negative: list[str] = []
    target = positive
    for line in lines:
        if line.startswith(NEGATIVE):
            target = negative
            line = line.removeprefix(NEGATIVE).removeprefix(" ")  # noqa: PLW2901
        target.append(line)
    return "\n".join(positive).strip(), "\n".join(negative).strip()
