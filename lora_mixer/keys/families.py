"""Which base model a file was made for, told from its tensors; its metadata is a second opinion.

Every clue names the families it allows; what all of them allow together is the answer. A file with only convolutions
or only a text encoder may leave several, and then the metadata may decide. It never overrules a shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lora_mixer.keys.architecture import Architecture, architectures
from lora_mixer.keys.foreign import NamedModule, foreign_family
from lora_mixer.keys.group import Group
from lora_mixer.keys.parse import ParsedAdapter
from lora_mixer.keys.shapes import Widths, widths_of
from lora_mixer.modules import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyGuess:
    """What a file was made for.

    Attributes:
        family: The one family everything points to; None if that cannot be told, or it is none we can open.
        candidates: All families that nothing speaks against; empty if its shapes are those of none.
        evidence: What tells it, in words.
        other: The name of a foreign family (`Flux`, `SD 3`), if it is one.
    """

    family: Family | None
    candidates: tuple[Family, ...]
    evidence: str
    other: str | None = None

    def fits(self, family: Family) -> bool:
        """Return whether nothing speaks against its being for this family."""
        return self.other is None and (not self.candidates or family in self.candidates)

    def sentence(self) -> str:
        """Return it as a phrase: made for what, and why one thinks so."""
        told = self.candidates if len(self.candidates) < len(Family) else ()
        named = self.other or " or ".join(family.full_name for family in told)
        return f"made for {named or 'an unknown base model'} ({self.evidence})"


_CROSS = re.compile(r"attn2_(processor_)?to_[kv]$")
_SELF = re.compile(r"attn1_(processor_)?to_[qkv]$")
_CONV = re.compile(r"resnets_\d{1,3}_conv[12]$|in_layers_2$|out_layers_3$")
_LEVEL = re.compile(r"(?:down|up)_blocks_(\d{1,3})_")
_LDM_BLOCK = re.compile(r"(?:input|output)_blocks_(\d{1,3})_")
_DEPTH = re.compile(r"transformer_blocks_(\d{1,3})_")
_TEXT = re.compile(
    r"(?:layers|resblocks)_(\d{1,3})_(?:(self_attn_[qkv]_proj|self_attn_to_[qkv]|attn_in_proj|mlp_fc1|mlp_c_fc)$)?"
)
_SECOND = re.compile(r"(^|_)(lora_te2|text_encoder_2|clip_g)_")
_FIRST = re.compile(r"(^|_)(lora_te1|text_encoder|clip_l)_")

METADATA: Mapping[str, tuple[tuple[str, frozenset[Family]], ...]] = {
    "ss_base_model_version": (
        ("sd_v1", frozenset({Family.SD1, Family.EMOJI})),
        ("sd_v2", frozenset({Family.SD2})),
        ("sdxl", frozenset({Family.SDXL, Family.SDXL_REFINER})),
    ),
    "modelspec.architecture": (
        ("stable-diffusion-v1", frozenset({Family.SD1, Family.EMOJI})),
        ("stable-diffusion-v2", frozenset({Family.SD2})),
        ("stable-diffusion-xl-v1-refiner", frozenset({Family.SDXL_REFINER})),
        ("stable-diffusion-xl", frozenset({Family.SDXL})),
    ),
}
"""Metadata key -> how its value begins, and for which families that is."""

LONGEST_WORD = 60
"""So many characters of the metadata's own word are quoted."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a file shows of one clue: the values, and which architectures allow them."""

    words: str
    allows: Callable[[Architecture], bool]


def tell_family(parsed: ParsedAdapter) -> FamilyGuess:
    """Return which base model a file was made for."""
    word = _own_word(parsed)
    foreign = foreign_family(_named(parsed))
    if foreign is not None:
        title, shown = foreign
        return FamilyGuess(family=None, candidates=(), evidence=", ".join([f"it has {shown}", *word]), other=title)
    left = dict(architectures())
    words = []
    for seen in _clues(parsed):
        allowed = {family: found for family, found in left.items() if seen.allows(found)}
        if len(allowed) < len(left):
            words.append(seen.words)
        left = allowed
    if not left:
        evidence = ", ".join([f"{', '.join(words)}: no known family has all of that", *word])
        return FamilyGuess(family=None, candidates=(), evidence=evidence)
    return _second_opinion(parsed, tuple(left), [*words, *word])


def _named(parsed: ParsedAdapter) -> Iterator[NamedModule]:
    """Yield the modules of a file with their inputs, and the keys that belong to none."""
    yield from (NamedModule(group.module, _widths(parsed, group).inputs) for group in parsed.groups)
    yield from (NamedModule(unread.key) for unread in parsed.unread)


def _own_word(parsed: ParsedAdapter) -> list[str]:
    """Return what the metadata call the base model, if that is none of the families that can be opened."""
    for key, rows in METADATA.items():
        value = " ".join(parsed.file.metadata.get(key, "").split())[:LONGEST_WORD]
        if value and value.isprintable() and not any(value.lower().startswith(start) for start, _ in rows):
            return [f"its metadata calls it {value}"]
    return []


def _second_opinion(parsed: ParsedAdapter, left: tuple[Family, ...], words: list[str]) -> FamilyGuess:
    """Return the guess, after asking the metadata where the shapes leave a choice or say otherwise."""
    said, spelled = _said(parsed)
    agreed = tuple(family for family in left if family in said)
    if spelled and not agreed:
        words = [*words, f"although its metadata says {spelled}"]
    elif spelled and len(agreed) < len(left):
        left, words = agreed, [*words, f"metadata {spelled}"]
    one = left[0] if len(left) == 1 else None
    return FamilyGuess(family=one, candidates=left, evidence=", ".join(words) or "nothing in it tells")


def _said(parsed: ParsedAdapter) -> tuple[frozenset[Family], str]:
    for key, rows in METADATA.items():
        value = parsed.file.metadata.get(key, "").lower()
        for start, families in rows:
            if value.startswith(start):
                return families, start
    return frozenset(), ""


def _clues(parsed: ParsedAdapter) -> Iterator[_Seen]:
    """Yield what the file shows, the most telling first."""
    measured = [(group.module.replace(".", "_"), _widths(parsed, group)) for group in parsed.groups]
    unet = [(name, widths) for name, widths in measured if not _TEXT.search(name)]
    if cross := {w.inputs for name, w in unet if _CROSS.search(name) and w.inputs}:
        yield _Seen(f"cross attention {_list(cross)} wide", lambda arch: cross == {arch.cross})
    if attention := {w.inputs for name, w in unet if _SELF.search(name) and w.inputs}:
        yield _Seen(f"attention {_list(attention)} wide", lambda arch: attention <= arch.attention)
    if conv := {w.outputs for name, w in unet if _CONV.search(name) and w.outputs}:
        yield _Seen(f"convolutions {_list(conv)} wide", lambda arch: conv <= arch.channels)
    if depths := _numbers(_DEPTH, unet):
        yield _Seen(f"{max(depths) + 1} transformer blocks deep", lambda arch: max(depths) < arch.depth)
    if levels := _numbers(_LEVEL, unet) | {number // 3 for number in _numbers(_LDM_BLOCK, unet)}:
        yield _Seen(f"{max(levels) + 1} levels", lambda arch: max(levels) < arch.levels)
    yield from _text_clues([(name, widths) for name, widths in measured if _TEXT.search(name)])
    yield from _embedding_clues(parsed)


def _text_clues(measured: list[tuple[str, Widths]]) -> Iterator[_Seen]:
    by_part: dict[str, set[int]] = {}
    for name, widths in measured:
        match = _TEXT.search(name)
        if match and match[2] and widths.inputs:
            by_part.setdefault(_part(name), set()).add(widths.inputs)
    for part, found in sorted(by_part.items()):
        yield _Seen(f"text encoder {_list(found)} wide", _text_of(part, found))


def _embedding_clues(parsed: ParsedAdapter) -> Iterator[_Seen]:
    shapes = [parsed.file.tensors[key].shape for fields in parsed.embeddings.values() for key in fields.values()]
    if found := {shape[-1] for shape in shapes if shape}:
        yield _Seen(f"embeddings {_list(found)} wide", lambda arch: found <= set(arch.text.values()))


def _part(name: str) -> str:
    if _SECOND.search(name):
        return "te2"
    return "te1" if _FIRST.search(name) else "alone"


def _text_of(part: str, found: set[int]) -> Callable[[Architecture], bool]:
    """Return whether an architecture's encoder of a part has the widths found; `alone` is an only one."""

    def allows(arch: Architecture) -> bool:
        if part == "alone":
            return set(arch.text) == {"te1"} and found == {arch.text["te1"]}
        return part in arch.text and found == {arch.text[part]}

    return allows


def _numbers(pattern: re.Pattern[str], measured: list[tuple[str, Widths]]) -> set[int]:
    return {int(number) for name, _ in measured for number in pattern.findall(name)}


def _widths(parsed: ParsedAdapter, group: Group) -> Widths:
    return widths_of({slot: parsed.file.tensors[key].shape for slot, key in group.slots.items()})


def _list(values: set[int]) -> str:
    return ", ".join(map(str, sorted(values)[:4]))
