"""Regions written in a prompt: `<region:x,y,width,height>` as SwarmUI has it, or Regional Prompter's words.

Source: "Regional Prompting" in SwarmUI's `docs/Features/Prompt Syntax.md`. What stands in front of the first region is the
picture's own prompt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lora_mixer.errors import PromptError, RequestError
from lora_mixer.places import BACKGROUND, Rectangle, RestOfPicture
from lora_mixer.prompt.divided import Divided, WrittenRegion
from lora_mixer.prompt.grammars import grammar_named
from lora_mixer.prompt.lexer import lex
from lora_mixer.prompt.regional_prompter import WORDS, divide
from lora_mixer.prompt.tags import REGION_WORD, number
from lora_mixer.regions import FOUND, MOST_REGIONS, Region, check_region

_TAG = re.compile(rf"<\s*{REGION_WORD}\s*:([^>]*)>", re.IGNORECASE)
_NAMED = ("strength", "feather", "words")
_EXAMPLE = "Write it like <region:0,0,0.5,1> a cat."


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
    if WORDS.search(prompt):
        return divide(prompt, negative, grammar=grammar)
    return Divided(prompt=prompt, negative=negative)


def own_part(prompt: str, *, grammar: str = "default") -> int:
    """Return where the picture's own part of a prompt ends, and its first region begins."""
    tags = _tags(prompt, grammar)
    return tags[0].start() if tags else len(prompt)


def region_starts(prompt: str, *, grammar: str = "default") -> tuple[int, ...]:
    """Return where the texts of a prompt's regions begin, in their order.

    >>> region_starts("pets <region:0,0,1,1> cat"), region_starts("a cat ADDCOL a dog")
    ((22,), (0, 13))

    Raises:
        PromptError: A region lies nowhere.
    """
    return tuple(one.at for one in divided(prompt, grammar=grammar).regions)


def negative_starts(prompt: str, negative: str, *, grammar: str = "default") -> tuple[int, ...]:
    """Return where the parts of a negative prompt begin that go to regions of a prompt, in their order.

    >>> negative_starts("a cat ADDCOL a dog", "grey BREAK blurry"), negative_starts("a cat ADDCOL a dog", "grey")
    ((0, 10), ())

    Raises:
        PromptError: A region lies nowhere.
    """
    regions = divided(prompt, negative, grammar=grammar).regions
    return tuple(one.negative_at for one in regions if one.negative_at is not None)


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
