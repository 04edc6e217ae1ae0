"""One side of `AND`, read in one pass over its tokens with a stack of open brackets: linear in the text.

Interleaved brackets, as in `(a [b) c]`, mean what they mean in A1111: each factor covers its own stretch.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field

from lora_mixer.errors import PromptError
from lora_mixer.prompt.a1111_brackets import schedulable
from lora_mixer.prompt.brackets import Item, Separator, moving_weight, schedule, settle_separators
from lora_mixer.prompt.clauses import ClauseSpan, trailing_weight
from lora_mixer.prompt.grammars import Grammar
from lora_mixer.prompt.lexer import Token, lex
from lora_mixer.prompt.limits import MAX_TOKENS
from lora_mixer.prompt.nodes import ROUND, SQUARE, Alternate, Break, Clause, LoraTag, Switch, Text, Weighted
from lora_mixer.prompt.tags import LORA_WORDS, MIX_WORD, REGION_WORD, TAG_WORDS, parse_mix_tag, parse_tag

MAX_DEPTH = 100  # brackets deeper than this are text: 1.1 ** 100 is 13,781
MAX_REOPENED = 10_000  # brackets cut by one of the other kind; beyond that such a one is text
_MAX_WEIGHT = 1e6
_TAG_WORD = re.compile(r"<\s*(\w+)\s*:")
_KNOWN_TAG = re.compile(rf"<\s*(?:{'|'.join(TAG_WORDS)})\s*:", re.IGNORECASE)
_UNENDED = {MIX_WORD: ("a mix tag", "<mix:ties>"), REGION_WORD: ("a region", "<region:0,0,0.5,1>")}
_CLOSES = {")": "(", "]": "["}


@dataclass(slots=True)
class _Frame:
    """An open bracket with its content so far; the outermost one has no character."""

    character: str
    at: int
    items: list[Item] = field(default_factory=list)
    whole: bool = True  # else it was cut by a bracket of the other kind, and is no schedule
    pieces: list[Weighted] = field(default_factory=list)  # what was cut off it so far


class ClauseReader:
    """Reads one side of `AND`.

    Args:
        text: The whole prompt.
        stretch: Where in it the side lies.
        grammar: Its grammar.
        negative: Whether it is of a negative prompt.

    Attributes:
        hoisted: LoRA tags that act in the whole prompt, wherever they stand.
        methods: Methods that tags name, each with its position.
    """

    def __init__(self, text: str, stretch: ClauseSpan, grammar: Grammar, *, negative: bool) -> None:
        self._text = text
        self._stretch = stretch
        self._grammar = grammar
        self._tags_are_text = negative and not grammar.negative_tags
        self._frames = [_Frame("", stretch.start)]
        self._open_now = {"(": 0, "[": 0}
        self._reopened = 0
        self._weight = 1.0
        self._skip_to = stretch.start
        self._scheduled = schedulable(text, stretch.start, stretch.end) if grammar.exact_schedules else None
        self.hoisted: list[LoraTag] = []
        self.methods: list[tuple[str, int]] = []
        self._negative = negative

    def read(self) -> Clause:
        """Return the clause."""
        readers = {
            "text": self._plain,
            "escape": self._escape,
            "open": self._open,
            "close": self._close_run,
            "weight": self._weigh,
            "separator": self._separate,
            "tag": self._tag,
            "angle": self._angle,
            "break": self._break,
            "and": self._plain,
            "rest": self._rest,
        }
        for token in lex(self._text, self._stretch.start, self._stretch.end, bare_escapes=self._grammar.bare_escapes):
            if token.kind in readers and token.at >= self._skip_to:
                readers[token.kind](token)
        while len(self._frames) > 1:
            self._end_innermost()
        return Clause(children=settle_separators(self._frames[0].items), weight=self._weight, at=self._stretch.start)

    def _add(self, item: Item) -> None:
        self._frames[-1].items.append(item)

    def _add_text(self, at: int, end: int) -> None:
        if at < end:
            self._add(Text(text=self._text[at:end], at=at))

    def _plain(self, token: Token) -> None:
        self._add_text(token.at, token.end)

    def _escape(self, token: Token) -> None:
        self._add_text(token.at + 1, token.end)

    def _rest(self, token: Token) -> None:
        """Take what lies beyond the last token that is read as plain text, comments too; escapes are resolved."""
        rest = self._text[token.at : token.end]
        tag = None if self._tags_are_text else _KNOWN_TAG.search(rest)
        if tag:
            raise PromptError(
                f"a tag stands behind more than {MAX_TOKENS:,} brackets and words",
                position=token.at + tag.start(),
                remedy="Put it at the beginning of the prompt.",
            )
        self._add(Text(text=_unescaped(rest), at=token.at))

    def _separate(self, token: Token) -> None:
        tail = trailing_weight(self._text, token.at, self._stretch.end) if self._stretch.weighted else None
        if tail is None:
            self._add(Separator(self._text[token.at], token.at))
            return
        self._weight = max(-_MAX_WEIGHT, min(_MAX_WEIGHT, float(tail["weight"])))
        self._skip_to = tail.end("weight")

    def _break(self, token: Token) -> None:
        if self._grammar.breaks_in_brackets or len(self._frames) == 1:
            self._add(Break(at=token.at))
        else:
            self._add(Weighted(children=(Text(text="BREAK", at=token.at),), weight=-1.0, at=token.at))

    def _tag(self, token: Token) -> None:
        match = _TAG_WORD.match(self._text, token.at)
        word = match[1] if match else ""
        if self._tags_are_text:
            self._add_text(token.at, token.end)
        elif word.lower() in LORA_WORDS:
            tag = parse_tag(self._text, token.at, token.end)
            if self._grammar.hoisted_tags:
                self.hoisted.append(tag)
            else:
                self._add(tag)
        elif word.lower() == MIX_WORD:
            self._blend(token)
        elif word.lower() == REGION_WORD:
            self._divide(token)
        elif self._grammar.refused_tags and word[:1].isalpha():
            raise _unknown_tag(word, token.at)
        elif self._grammar.refused_tags:
            self._add_text(token.at, token.end)

    def _blend(self, token: Token) -> None:
        if self._negative:
            raise PromptError(
                "the method of a mix stands in the negative prompt",
                position=token.at,
                remedy="Put the <mix:...> tag into the prompt: it is for all LoRAs of the picture.",
            )
        self.methods.append((parse_mix_tag(self._text, token.at, token.end), token.at))

    def _divide(self, token: Token) -> None:
        """Pass over the place of a region, which `divided` reads; in a negative prompt there is none."""
        if self._negative:
            raise PromptError(
                "a region stands in the negative prompt",
                position=token.at,
                remedy="Put it into the prompt; a region's own negative prompt is `negative` of its table.",
            )

    def _angle(self, token: Token) -> None:
        match = _TAG_WORD.match(self._text, token.at)
        word = match[1].lower() if match else ""
        if word in TAG_WORDS and self._grammar.refused_tags:
            what, example = _UNENDED.get(word, ("a LoRA tag", "<lora:name:0.8>"))
            raise PromptError(f"{what} never ends", position=token.at, remedy=f"Put > at its end, as in {example}.")
        self._plain(token)

    def _open(self, token: Token) -> None:
        room = MAX_DEPTH + 1 - len(self._frames)
        for at in range(token.at, min(token.end, token.at + room)):
            self._frames.append(_Frame(self._text[at], at))
            self._open_now[self._text[at]] += 1
        self._add_text(min(token.end, token.at + room), token.end)

    def _close_run(self, token: Token) -> None:
        for at in range(token.at, token.end):
            if len(self._frames) == 1:
                self._add_text(at, token.end)
                return
            self._close(at, ROUND)

    def _weigh(self, token: Token) -> None:
        """Read `:number)`: a weight if a round bracket is open, else a mark, text and a bracket."""
        close = token.end - 1
        written = self._text[token.at + 1 : close]
        if self._open_now["("]:
            weight = self._factor(written, token.at)
            if weight is not None:
                self._close(close, weight)
                return
        self._add(Separator(":", token.at))
        self._add_text(token.at + 1, close)
        self._close(close, ROUND)

    def _factor(self, written: str, at: int) -> float | None:
        try:
            weight = float(written)
        except ValueError:
            if self._grammar.odd_weights and not any(character.isdigit() for character in written):
                return None
            raise PromptError(
                f"{written.strip()!r} is not a weight",
                position=at,
                remedy=r"Write it like (word:1.2), or put \ before the colon if it is text.",
            ) from None
        if abs(weight) > _MAX_WEIGHT:
            raise PromptError(
                f"the weight {written.strip()[:20]} is too large", position=at, remedy="Weights are usually 0 to 2."
            )
        return weight

    def _close(self, at: int, weight: float) -> None:
        """End the bracket that the closing one at `at` belongs to; `weight` is that of a round one."""
        opening = _CLOSES[self._text[at]]
        spent = self._reopened >= MAX_REOPENED and self._frames[-1].character != opening
        if spent or not self._open_now[opening]:
            self._add_text(at, at + 1)
            return
        cut: list[_Frame] = []
        while self._frames[-1].character != opening:
            cut.append(self._frames[-1])
            self._end_innermost()
        frame = self._frames.pop()
        self._open_now[opening] -= 1
        self._reopened += len(cut)
        self._add_group(frame, weight)
        for piece in frame.pieces if opening == "(" else ():
            object.__setattr__(piece, "weight", weight)  # which nobody knew when the piece was cut off
        self._frames += [_Frame(other.character, other.at, whole=False, pieces=other.pieces) for other in reversed(cut)]

    def _add_group(self, frame: _Frame, weight: float) -> None:
        if frame.character == "(":
            moving = moving_weight(frame.items) if weight == ROUND else None
            items = frame.items[:-2] if moving else frame.items
            self._add_weighted(items, moving or weight, frame.at)
            return
        scheduled = schedule(frame.items, frame.at) if self._may_schedule(frame) else None
        if scheduled is None:
            self._add_weighted(frame.items, SQUARE, frame.at)
        else:
            self._add(scheduled)

    def _may_schedule(self, frame: _Frame) -> bool:
        if not self._grammar.exact_schedules:
            return frame.whole
        return frame.whole and self._scheduled is not None and frame.at in self._scheduled

    def _end_innermost(self) -> None:
        frame = self._frames.pop()
        piece = self._add_weighted(frame.items, ROUND if frame.character == "(" else SQUARE, frame.at)
        frame.pieces += [piece] if piece else []

    def _add_weighted(self, items: list[Item], weight: float | Switch | Alternate, at: int) -> Weighted | None:
        children = settle_separators(items)
        if not children:
            return None
        piece = Weighted(children=children, weight=weight, at=at)
        self._add(piece)
        return piece


def _unescaped(text: str) -> str:
    r"""Return a text without the backslashes that escape, faster than by a pattern.

    >>> _unescaped(r"\(a\\b")
    '(a\\b'
    """
    return "\\".join(part.replace("\\", "") for part in text.split("\\\\"))


def _unknown_tag(word: str, at: int) -> PromptError:
    nearest = difflib.get_close_matches(word.lower(), TAG_WORDS, n=1)
    hint = f"Did you mean <{nearest[0]}:...>? " if nearest else ""
    return PromptError(
        f"there is no tag <{word}:...>",
        position=at,
        remedy=rf"{hint}There are: {', '.join(TAG_WORDS)}. Put \ before the < if it is text.",
    )
