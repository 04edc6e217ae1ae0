"""Prompts that Regional Prompter divides: by its words, and by the settings of its fields.

Source: README and code of hako-mikan's sd-webui-regional-prompter. What stands before `ADDCOMM` begins every text, what stands
before `ADDBASE` is read everywhere at a share, `ADDCOL` and `ADDROW` divide. A plain `BREAK` or `AND` stands for whichever of
them is missing: common, base, then what the ratios divide. One more than that begins a chunk of tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat

from lora_mixer.errors import PromptError
from lora_mixer.places import Rectangle
from lora_mixer.prompt.divided import Divided, WrittenRegion
from lora_mixer.prompt.ratios import base_shares, cell_counts, cells_of
from lora_mixer.prompt.tag_places import tag_places, without_tags
from lora_mixer.regions import MOST_REGIONS, Region

BASE_RATIO = "0.2"
"""The share of the base prompt where nobody sets another."""

COMMON, BASE, ROW, COLUMN, FOUND, BREAK, AND = "ADDCOMM", "ADDBASE", "ADDROW", "ADDCOL", "ADDP", "BREAK", "AND"
_OWN = (COMMON, BASE, ROW, COLUMN, FOUND)
WORDS = re.compile(rf"(?<!\\)\b(?:{'|'.join(_OWN)})\b")
_PLAIN: tuple[tuple[str, ...], ...] = ((), (BREAK,), (AND,), (BREAK, AND))
_MARKS = {plain: re.compile(rf"(?<!\\)\b(?:{'|'.join((*_OWN, *plain))})\b") for plain in _PLAIN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """How a prompt is divided, by the fields of Regional Prompter; the defaults are those of its words alone.

    Attributes:
        ratios: "Divide Ratio"; empty: equal sizes, as many as there are texts.
        rows: "Main Splitting" is `Rows`, formerly "Divide mode" `Vertical`.
        base: "Use base prompt".
        base_ratios: "Base Ratio".
        common: "Use common prompt".
        common_negative: "Use common negative prompt".
        flip: 'flip "," and ";"' in the ratios.
        reverse: "Flip prompts": the last text comes first, where there is a common one.
        found: Places are found by words ("Prompt" mode).
        plain: The words that stand for missing ones; None: `BREAK`, where no row and no column is written.
        everywhere: LoRA tags act everywhere ("Attention"), else in their region ("Latent").
    """

    ratios: str = ""
    rows: bool = False
    base: bool = False
    base_ratios: str = BASE_RATIO
    common: bool = False
    common_negative: bool = False
    flip: bool = False
    reverse: bool = False
    found: bool = False
    plain: tuple[str, ...] | None = None
    everywhere: bool = False

    @property
    def sizes(self) -> str:
        """The ratios, flipped where they are to be."""
        return self.ratios.translate(str.maketrans(",;", ";,")) if self.flip else self.ratios


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A stretch of a prompt between two words: the word in front of it, and where it begins."""

    word: str
    text: str
    at: int


def divide(prompt: str, negative: str = "", division: Division | None = None, *, grammar: str = "default") -> Divided:
    """Return a prompt's own part and its regions.

    >>> [
    ...     one.region.mask.right
    ...     for one in divide("a BREAK b", division=Division(ratios="1,3", plain=("BREAK",))).regions
    ... ]
    [0.25, 1.0]

    Raises:
        PromptError: There are too many regions.
        RequestError: A ratio is no size.
    """
    how = division or Division()
    common, base, cells = _parts(prompt, how)
    found = how.found or any(cell.word == FOUND for cell in cells)
    if found and base is None:
        base, cells = cells[0].text, cells[1:]
    if how.reverse and common is not None:
        base, cells = _reversed(base, cells)
    _refuse_many(cells)
    everywhere = [_tags(cell.text, grammar) for cell in cells] if how.everywhere else []
    shared = "" if common is None else without_tags(common, lambda _: True, grammar=grammar)
    based = base is not None
    away, negatives = _negatives(negative, len(cells), based=based, how=how)
    regions = tuple(
        WrittenRegion(
            region=Region(
                _listed(shared, without_tags(cell.text, lambda _: how.everywhere, grammar=grammar)),
                mask=mask,
                negative=None if own is None else own.text,
                weight=1.0 - share,
                words=cell.text.rpartition(",")[2].strip() if found else "",
            ),
            at=cell.at,
            negative_at=None if own is None else own.at,
        )
        for cell, own, (mask, share) in zip(
            cells, negatives, _places(cells, how, found=found, based=based), strict=True
        )
        if found or mask is not None
    )
    own = _listed(common or "", base or "")
    return Divided(prompt=" ".join(part for part in (own, *everywhere) if part), negative=away, regions=regions)


def undivided(prompt: str) -> str:
    """Return a prompt in which every word of Regional Prompter is a `BREAK`."""
    return WORDS.sub(BREAK, prompt)


def _parts(prompt: str, how: Division) -> tuple[str | None, str | None, list[_Piece]]:
    """Return what is common, the base, and what stands in each region; None where there is no such part."""
    words = {match[0] for match in WORDS.finditer(prompt)}
    plain = how.plain
    if plain is None:
        plain = () if words & {ROW, COLUMN, FOUND} else (BREAK,)
    pieces = list(_pieces(prompt, plain, _wanted(words, how)))
    heads: list[str | None] = []
    for word in (COMMON, BASE):
        place = next((number for number, piece in enumerate(pieces) if piece.word == word), None)
        heads.append(None if place is None else " ".join(piece.text for piece in pieces[:place]))
        pieces = pieces[place or 0 :]
    return heads[0], heads[1], pieces


def _wanted(words: set[str], how: Division) -> Iterator[str]:
    """Yield the words that plain ones stand for."""
    if how.common and COMMON not in words:
        yield COMMON
    if how.base and BASE not in words:
        yield BASE
    inner, outer = (ROW, COLUMN) if how.rows else (COLUMN, ROW)
    if how.found or FOUND in words:
        yield from repeat(FOUND)
    elif not how.sizes:
        yield from repeat(inner)
    for number, count in enumerate(cell_counts(how.sizes, rows=how.rows)):
        yield from chain((outer,) if number else (), repeat(inner, count - 1))


def _pieces(text: str, plain: tuple[str, ...], wanted: Iterator[str]) -> Iterator[_Piece]:
    start, word = 0, ""
    for match in [*_MARKS[plain].finditer(text), None]:
        means = BREAK if match is None else next(wanted, BREAK) if match[0] in plain else match[0]
        if match is not None and means == BREAK:
            continue
        end = len(text) if match is None else match.start()
        piece = text[start:end]
        said = re.sub(rf"\b{AND}\b", BREAK, piece) if AND in plain else piece
        yield _Piece(word=word, text=said.strip(" ,\n"), at=start + len(piece) - len(piece.lstrip()))
        if match is not None:
            start, word = match.end(), means


def _reversed(base: str | None, cells: list[_Piece]) -> tuple[str | None, list[_Piece]]:
    """Return texts from the last to the first in the places they have; the base takes part, as there."""
    texts = [cell.text for cell in reversed(cells)] + ([] if base is None else [base])
    own = None if base is None else texts.pop(0)
    return own, [_Piece(word=cell.word, text=text, at=0) for cell, text in zip(cells, texts, strict=True)]


def _refuse_many(cells: Sequence[_Piece]) -> None:
    if len(cells) > MOST_REGIONS:
        raise PromptError(
            f"the prompt has {len(cells)} regions",
            position=cells[MOST_REGIONS].at,
            remedy=f"{MOST_REGIONS} are the most.",
        )


def _places(
    cells: Sequence[_Piece], how: Division, *, found: bool, based: bool
) -> Iterator[tuple[Rectangle | None, float]]:
    """Yield where each region lies, and the base's share there."""
    counts = [len(cells)] if found else _counts(cells, COLUMN if how.rows else ROW)
    based = how.base if found else based
    shares = base_shares(counts, how.base_ratios, rows=how.rows) if based else [0.0] * len(cells)
    masks = repeat(None, len(cells)) if found else cells_of(counts, how.sizes, rows=how.rows)
    yield from zip(masks, shares, strict=True)


def _counts(cells: Sequence[_Piece], outer: str) -> list[int]:
    counts: list[int] = []
    for cell in cells:
        if not counts or cell.word == outer:
            counts.append(0)
        counts[-1] += 1
    return counts


def _negatives(negative: str, regions: int, *, based: bool, how: Division) -> tuple[str, list[_Piece | None]]:
    """Return the picture's negative prompt and one for each region: it is divided if it has as many parts."""
    marks = _MARKS[(BREAK,) if how.plain is None else how.plain]
    starts = (0, *(match.end() for match in marks.finditer(negative)))
    texts = (part.strip(" ,\n") for part in marks.split(negative))
    parts = [_Piece(word="", text=text, at=at) for text, at in zip(texts, starts, strict=True)]
    if (how.common_negative or COMMON in negative) and len(parts) > 1:
        parts = [replace(part, text=_listed(parts[0].text, part.text)) for part in parts[1:]]
        parts = parts[::-1] if how.reverse else parts
    if len(parts) != regions + based or len(parts) == 1:
        return undivided(negative), [None] * regions
    return (parts[0].text if based else ""), list(parts[based:])


def _tags(text: str, grammar: str) -> str:
    return " ".join(text[place.at : place.end] for place in tag_places(text, grammar=grammar))


def _listed(*parts: str) -> str:
    return ", ".join(part for part in (part.strip(" ,\n") for part in parts) if part)
