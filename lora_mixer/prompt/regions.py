"""Regions written in a prompt: `<region:x,y,width,height>` as SwarmUI has it, and Regional Prompter's words.

Sources: "Regional Prompting" in SwarmUI's `docs/Features/Prompt Syntax.md`; the README of hako-mikan's
sd-webui-regional-prompter. What stands in front of the first region is the picture's own prompt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lora_mixer.errors import PromptError, RequestError
from lora_mixer.places import BACKGROUND, Rectangle, RestOfPicture
from lora_mixer.prompt.grammars import grammar_named
from lora_mixer.prompt.lexer import lex
from lora_mixer.prompt.tag_places import without_tags
from lora_mixer.prompt.tags import REGION_WORD, number
from lora_mixer.regions import FOUND, MOST_REGIONS, Region, check_region

BASE_RATIO = 0.2
"""The share of the base prompt in every region of Regional Prompter: its "Base Ratio", where nobody sets another."""

_COMMON, _BASE, _ROW, _COLUMN, _FOUND = "ADDCOMM", "ADDBASE", "ADDROW", "ADDCOL", "ADDP"
_WORDS = re.compile(rf"(?<!\\)\b(?:{_COMMON}|{_BASE}|{_ROW}|{_COLUMN}|{_FOUND})\b")
_BREAK = re.compile(r"(?<!\\)\bBREAK\b")
_TAG = re.compile(rf"<\s*{REGION_WORD}\s*:([^>]*)>", re.IGNORECASE)
_NAMED = ("strength", "feather", "words")
_EXAMPLE = "Write it like <region:0,0,0.5,1> a cat."


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRegion:
    """A region as it stands in a prompt.

    Attributes:
        region: The region; its prompt is text of the prompt language.
        at: Where its prompt begins in the text.
    """

    region: Region
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Divided:
    """A prompt and a negative prompt, divided into the picture's own and those of regions."""

    prompt: str
    negative: str
    regions: tuple[WrittenRegion, ...] = ()


def divided(prompt: str, negative: str = "", *, grammar: str = "default") -> Divided:
    """Return a prompt's regions, and what is left for the picture.

    >>> [one.region.prompt for one in divided("pets <region:0,0,0.5,1> a cat <region:0.5,0,0.5,1> a dog").regions]
    ['a cat', 'a dog']
    >>> divided("a cat ADDCOL a dog").regions[1].region.mask
    Rectangle(left=0.5, top=0.0, right=1.0, bottom=1.0)

    Raises:
        PromptError: A region lies nowhere; the position is its tag's.
    """
    tags = _tags(prompt, grammar)
    if tags:
        regions = tuple(_tagged(prompt, tags))
        return Divided(prompt=prompt[: tags[0].start()], negative=negative, regions=_few(regions))
    if _WORDS.search(prompt):
        return _by_words(prompt, negative, grammar)
    return Divided(prompt=prompt, negative=negative)


def own_part(prompt: str, *, grammar: str = "default") -> int:
    """Return where the picture's own part of a prompt ends, and its first region begins."""
    tags = _tags(prompt, grammar)
    return tags[0].start() if tags else len(prompt)


def _tags(prompt: str, grammar: str) -> list[re.Match[str]]:
    if "<" not in prompt or REGION_WORD not in prompt.lower():
        return []
    tokens = lex(prompt, 0, len(prompt), bare_escapes=grammar_named(grammar).bare_escapes)
    found = (_TAG.match(prompt, token.at, token.end) for token in tokens if token.kind == "tag")
    return [match for match in found if match]


def _tagged(prompt: str, tags: list[re.Match[str]]) -> Iterator[WrittenRegion]:
    ends = [*(tag.start() for tag in tags[1:]), len(prompt)]
    for tag, end in zip(tags, ends, strict=True):
        text = prompt[tag.end() : end]
        at = tag.end() + len(text) - len(text.lstrip())
        yield WrittenRegion(region=_region(tag, text.strip()), at=at)


def _region(tag: re.Match[str], text: str) -> Region:
    """Return the region of a tag: its place, then the strength by position, as SwarmUI has it, or by name."""
    place, named = [], dict[str, str]()
    for part in tag[1].split(","):
        key, equals, value = part.partition("=")
        if equals:
            named[key.strip().lower()] = value.strip()
        else:
            place.append(part.strip())
    unknown = next((key for key in named if key not in _NAMED), None)
    if unknown is not None:
        raise _wrong(tag, f"a region has no {unknown!r}; there are {', '.join(_NAMED)}")
    try:
        region = Region(
            text,
            mask=_mask(tag, place),
            weight=_number(tag, named.get("strength", place[4] if len(place) == 5 else "1")),
            feather=_number(tag, named.get("feather", "0")),
            words=named.get("words", ""),
        )
        check_region(region)
    except PromptError:
        raise
    except RequestError as error:
        raise PromptError(error.what, position=tag.start(), remedy=error.remedy) from error
    return region


def _mask(tag: re.Match[str], place: list[str]) -> Rectangle | RestOfPicture | None:
    if len(place) == 1 and place[0].lower() in {FOUND, BACKGROUND}:
        return RestOfPicture() if place[0].lower() == BACKGROUND else None
    if len(place) not in {4, 5}:
        raise _wrong(tag, f"a region lies at x, y, width and height, not at {tag[1].strip()[:40]!r}")
    left, top, width, height = (_number(tag, side) for side in place[:4])
    return Rectangle(left=left, top=top, right=_edge(left + width), bottom=_edge(top + height))


def _edge(side: float) -> float:
    """Return a sum of two fractions, 1 where it is meant: 0.7 + 0.3 is, and 1/3 written with some digits."""
    return 1.0 if abs(side - 1.0) < 0.01 else side


def _number(tag: re.Match[str], text: str) -> float:
    value = number(text)
    if value is None:
        raise _wrong(tag, f"{text[:20]!r} in a region is not a number")
    return value


def _wrong(tag: re.Match[str], what: str) -> PromptError:
    return PromptError(what, position=tag.start(), remedy=_EXAMPLE)


def _few(regions: tuple[WrittenRegion, ...]) -> tuple[WrittenRegion, ...]:
    if len(regions) > MOST_REGIONS:
        at = regions[MOST_REGIONS].at
        raise PromptError(f"the prompt has {len(regions)} regions", position=at, remedy=f"{MOST_REGIONS} are the most.")
    return regions


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A stretch of a prompt between two words of Regional Prompter: the word in front of it, and its place."""

    word: str
    text: str
    at: int


def _by_words(prompt: str, negative: str, grammar: str) -> Divided:
    """Read Regional Prompter's words.

    What stands before `ADDCOMM` begins every region's prompt, and what stands before `ADDBASE` is read everywhere at a share
    of 0.2. Rows are divided first, then columns in each, all of one size. With neither, `BREAK` divides columns; beside
    them it keeps its meaning, as there. Behind `ADDP` stands what is drawn where its last word is found.
    """
    common, prompt_at, rest = _before(prompt, 0, _COMMON)
    base, at, rest = _before(rest, prompt_at, _BASE)
    by_breaks = not re.search(rf"\b(?:{_ROW}|{_COLUMN}|{_FOUND})\b", rest)
    pieces = list(_pieces(rest, at, _BREAK if by_breaks else _WORDS))
    found = any(piece.word == _FOUND for piece in pieces)
    if found and base is None:
        base, pieces = pieces[0].text, pieces[1:]
    shared = "" if common is None else without_tags(common, lambda _: True, grammar=grammar)
    masks = [None] * len(pieces) if found else list(_grid(pieces))
    negatives = _negatives(negative, len(pieces), based=base is not None)
    regions = tuple(
        WrittenRegion(
            region=Region(
                ", ".join(part for part in (shared.strip(" ,\n"), piece.text) if part),
                mask=mask,
                negative=away,
                weight=1.0 if base is None or found else 1.0 - BASE_RATIO,
                words=piece.text.rpartition(",")[2].strip() if found else "",
            ),
            at=piece.at,
        )
        for piece, mask, away in zip(_few_pieces(pieces), masks, negatives[1], strict=True)
    )
    own = ", ".join(part for part in ((common or "").strip(" ,\n"), base or "") if part)
    return Divided(prompt=own, negative=negatives[0], regions=regions)


def _few_pieces(pieces: list[_Piece]) -> list[_Piece]:
    if len(pieces) > MOST_REGIONS:
        raise PromptError(
            f"the prompt has {len(pieces)} regions",
            position=pieces[MOST_REGIONS].at,
            remedy=f"{MOST_REGIONS} are the most.",
        )
    return pieces


def _before(text: str, at: int, word: str) -> tuple[str | None, int, str]:
    """Return what stands before a word (None: there is no such word), and where what follows begins, with that."""
    match = re.search(rf"(?<!\\)\b{word}\b", text)
    if match is None:
        return None, at, text
    return text[: match.start()].strip(), at + match.end(), text[match.end() :]


def _pieces(text: str, at: int, mark: re.Pattern[str]) -> Iterator[_Piece]:
    start, word = 0, ""
    for match in [*mark.finditer(text), None]:
        end = len(text) if match is None else match.start()
        piece = text[start:end]
        yield _Piece(word=word, text=piece.strip(" ,\n"), at=at + start + len(piece) - len(piece.lstrip()))
        if match is not None:
            start, word = match.end(), match[0]


def _grid(pieces: list[_Piece]) -> Iterator[Rectangle]:
    """Yield the rectangles of rows of columns, all rows of one height and the columns of each of one width."""
    rows: list[int] = []
    for piece in pieces:
        if not rows or piece.word == _ROW:
            rows.append(0)
        rows[-1] += 1
    for row, columns in enumerate(rows):
        for column in range(columns):
            yield Rectangle(
                left=column / columns,
                top=row / len(rows),
                right=(column + 1) / columns,
                bottom=(row + 1) / len(rows),
            )


def _negatives(negative: str, regions: int, *, based: bool) -> tuple[str, list[str | None]]:
    """Return the picture's negative prompt and one for each region: `BREAK` divides it if it has as many parts."""
    parts = [piece.text for piece in _pieces(negative, 0, _BREAK)]
    if len(parts) != regions + based or len(parts) == 1:
        return negative, [None] * regions
    return (parts[0] if based else ""), list(parts[based:])


def own_rewritten(prompt: str, rewrite: Callable[[str], str], *, grammar: str = "default") -> str:
    """Return a prompt with what a function makes of its own part, in front of its first region.

    >>> own_rewritten("a <region:0,0,1,1> b", str.upper)
    'A <region:0,0,1,1> b'
    """
    end = own_part(prompt, grammar=grammar)
    own, rest = prompt[:end], prompt[end:]
    return f"{rewrite(own.rstrip())} {rest}" if rest else rewrite(own)


def moved(error: PromptError, by: int) -> PromptError:
    """Return the error of a region's prompt with its position in the whole text."""
    if error.position is None or not by:
        return error
    return PromptError(error.what, position=error.position + by, where=error.where, remedy=error.remedy)
