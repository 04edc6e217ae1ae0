"""Which base model a file was made for, told from its tensors; its metadata is a second opinion.

Every clue names the families it allows; what all of them allow together is the answer. A file with only convolutions
or only a text encoder may leave several, and then the metadata may decide. It never overrules a shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from lora_mixer.families import (
    TEXT,
    Clue,
    DenoiserKind,
    Family,
    NamedModule,
    all_families,
    denoiser_kinds,
    recognise,
    text_encoders,
)
from lora_mixer.keys.group import Group
from lora_mixer.keys.parse import ParsedAdapter
from lora_mixer.keys.shapes import Widths, widths_of


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
        told = self.candidates if len(self.candidates) < len(all_families()) else ()
        named = self.other or " or ".join(family.title for family in told)
        return f"made for {named or 'an unknown base model'} ({self.evidence})"


LONGEST_WORD = 60
"""So many characters of the metadata's own word are quoted."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a file shows of one clue: the words for it, and which families allow it."""

    words: str
    allows: Callable[[Family], bool]


def tell_family(parsed: ParsedAdapter) -> FamilyGuess:
    """Return which base model a file was made for."""
    word = _own_word(parsed)
    foreign = recognise(_named(parsed))
    if foreign is not None:
        title, shown = foreign
        return FamilyGuess(family=None, candidates=(), evidence=", ".join([f"it has {shown}", *word]), other=title)
    left = all_families()
    words = []
    for seen in _clues(parsed):
        allowed = tuple(family for family in left if seen.allows(family))
        if len(allowed) < len(left):
            words.append(seen.words)
        left = allowed
    if not left:
        evidence = ", ".join([f"{', '.join(words)}: no known family has all of that", *word])
        return FamilyGuess(family=None, candidates=(), evidence=evidence)
    return _second_opinion(parsed, left, [*words, *word])


def _named(parsed: ParsedAdapter) -> Iterator[NamedModule]:
    """Yield the modules of a file with their inputs, and the keys that belong to none."""
    yield from (NamedModule(group.module, _widths(parsed, group).inputs) for group in parsed.groups)
    yield from (NamedModule(unread.key) for unread in parsed.unread)


def _own_word(parsed: ParsedAdapter) -> list[str]:
    """Return what the metadata call the base model, if that is none of the families that can be opened."""
    for key, beginnings in _metadata().items():
        value = " ".join(parsed.file.metadata.get(key, "").split())[:LONGEST_WORD]
        if value and value.isprintable() and not any(value.lower().startswith(start) for start in beginnings):
            return [f"its metadata calls it {value}"]
    return []


def _metadata() -> Mapping[str, Mapping[str, frozenset[Family]]]:
    """Return what the metadata of adapters say: key -> how a value begins -> the families that is for."""
    rows: dict[str, dict[str, frozenset[Family]]] = {}
    for family in all_families():
        for key, beginnings in family.metadata.items():
            for start in beginnings:
                row = rows.setdefault(key, {})
                row[start] = row.get(start, frozenset()) | {family}
    return rows


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
    """Return the families that the metadata name, and the longest beginning of its value that says so."""
    for key, beginnings in _metadata().items():
        value = parsed.file.metadata.get(key, "").lower()
        if found := [start for start in beginnings if value.startswith(start)]:
            start = max(found, key=len)
            return beginnings[start], start
    return frozenset(), ""


def _clues(parsed: ParsedAdapter) -> Iterator[_Seen]:
    """Yield what the file shows, the most telling first."""
    measured = [(group.module.replace(".", "_"), _widths(parsed, group)) for group in parsed.groups]
    others = [(name, widths) for name, widths in measured if not TEXT.search(name)]
    for kind in denoiser_kinds():
        own = [(name, widths) for name, widths in others if re.search(kind.names, name)]
        if own:
            yield _Seen(f"modules of a {kind.title}", partial(_is_of, kind))
        for clue in kind.clues:
            if found := _found(clue, own):
                yield _Seen(clue.told(found), partial(_allows, clue, found))
    yield from _text_clues([(name, widths) for name, widths in measured if TEXT.search(name)])
    yield from _embedding_clues(parsed)


def _is_of(kind: DenoiserKind, family: Family) -> bool:
    return family.denoiser is kind


def _allows(clue: Clue, found: frozenset[int], family: Family) -> bool:
    return clue.allows(found, family.traits)


def _found(clue: Clue, measured: list[tuple[str, Widths]]) -> frozenset[int]:
    """Return the numbers that a file shows of a clue."""
    if clue.reads == "number":
        numbers = (int(number) for name, _ in measured for number in clue.pattern.findall(name))
        return frozenset(number // clue.divide for number in numbers)
    widths = (getattr(widths, clue.reads) for name, widths in measured if clue.pattern.search(name))
    return frozenset(width for width in widths if width)


def _text_clues(measured: list[tuple[str, Widths]]) -> Iterator[_Seen]:
    by_part: dict[str, set[int]] = {}
    for name, widths in measured:
        match = TEXT.search(name)
        if match and match[2] and widths.inputs:
            by_part.setdefault(_part(name), set()).add(widths.inputs)
    for part, found in sorted(by_part.items()):
        yield _Seen(f"text encoder {_list(found)} wide", partial(_allows_text, part, found))


def _embedding_clues(parsed: ParsedAdapter) -> Iterator[_Seen]:
    shapes = [parsed.file.tensors[key].shape for fields in parsed.embeddings.values() for key in fields.values()]
    if found := {shape[-1] for shape in shapes if shape}:
        yield _Seen(f"embeddings {_list(found)} wide", lambda family: found <= set().union(*_text_widths(family)))


def _text_widths(family: Family) -> list[frozenset[int]]:
    return [family.traits[encoder.part] for encoder in family.text_encoders]


def _part(name: str) -> str:
    """Return the text encoder that a flat name speaks of; empty if it does not say, as where there is only one."""
    marks = {
        mark: encoder.part
        for encoder in text_encoders()
        for mark in (encoder.kohya[-1], encoder.folder, encoder.omi, encoder.comfy)
    }
    found = (mark for mark in sorted(marks, key=len, reverse=True) if re.search(rf"(^|_){mark}_", name))
    return next((marks[mark] for mark in found), "")


def _allows_text(part: str, found: set[int], family: Family) -> bool:
    """Return whether a family's encoder of a part, or its only one, has the widths found."""
    encoder = family.encoder(part) if part else next((one for one in family.text_encoders if one.bare), None)
    return encoder is not None and found == family.traits[encoder.part]


def _widths(parsed: ParsedAdapter, group: Group) -> Widths:
    return widths_of({slot: parsed.file.tensors[key].shape for slot, key in group.slots.items()})


def _list(values: set[int]) -> str:
    return ", ".join(map(str, sorted(values)[:4]))
