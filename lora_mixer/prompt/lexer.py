"""A prompt cut into tokens, in one pass over the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lora_mixer.prompt.limits import MAX_TOKENS

# A repeated group ends its token, so nothing behind it can make it backtrack, and repeats a bounded number of times,
# since each time takes memory; single classes are possessive. (Possessive groups are wrong before Python 3.11.5:
# CPython issue gh-106052.)
_PATTERN = r"""
    (?P<text>    (?: [^\\()\[\]:|<\#AB]++ | (?<=\w)[AB] | (?!BREAK\b)B | (?!AND\b)A ){1,4096} )
  | (?P<escape>  \\(?:ESCAPED) )
  | (?P<empty>   (?: \(\) | \[\] ){1,4096} )
  | (?P<open>    (?: \((?!\)) | \[(?!\]) ){1,4096} )
  | (?P<close>   [)\]]++ )
  | (?P<weight>  :\s*+[+-]?[.\d]++\s*+\) )
  | (?P<separator> [:|] )
  | (?P<tag>     < )
  | (?P<comment> \#[^\n]*+ )
  | (?P<break>   BREAK\b\s*+ )
  | (?P<and>     AND\b )
    """
_ESCAPED = {
    False: r".|$",
    True: r"[()\[\]\\|] | :(?!\s*+[+-]?[.\d]++\s*+(?:\)|\Z)) | ",
}
"""What a backslash makes plain, by `Grammar.bare_escapes`; where it makes nothing plain it is dropped."""

_TOKENS = {
    bare: re.compile(_PATTERN.replace("ESCAPED", escaped), re.VERBOSE | re.DOTALL) for bare, escaped in _ESCAPED.items()
}
_TAG = re.compile(r"<(?P<word>\w++):(?P<arguments>[^>]*+)>")


class Token(NamedTuple):
    """A run of text that means one thing; `kind` is the name of a group of the pattern above."""

    kind: str
    at: int
    end: int


def lex(text: str, start: int, end: int, *, bare_escapes: bool = False) -> Iterator[Token]:
    """Yield the tokens of `text[start:end]`; an angle bracket that opens no tag is an `angle`.

    Behind `MAX_TOKENS` tokens the whole rest is one token, `rest`.
    """
    last_close = text.rfind(">", start, end)
    position, pattern = start, _TOKENS[bare_escapes]
    for _ in range(MAX_TOKENS):
        if position >= end:
            return
        match = pattern.match(text, position, end)
        kind = (match.lastgroup if match else None) or "text"
        stop = match.end() if match else position + 1
        if kind == "tag":
            tag = _TAG.match(text, position, end) if position < last_close else None
            kind, stop = ("tag", tag.end()) if tag else ("angle", stop)
        yield Token(kind, position, stop)
        position = stop
    if position < end:
        yield Token("rest", position, end)
