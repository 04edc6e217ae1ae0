"""The dialects of the prompt language, as a table."""

from __future__ import annotations

from dataclasses import dataclass

from lora_mixer.choices import find_grammar


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """How a dialect resolves ambiguities.

    Attributes:
        name: Its name.
        and_anywhere: `AND` splits inside brackets too.
        lone_weight: A trailing `:number` is a guidance weight even where no `AND` stands (`16:9`, `:3`).
        breaks_in_brackets: `BREAK` breaks inside brackets; else it becomes a word there, at -1 times the weight.
        exact_schedules: One malformed schedule makes every schedule of the clause literal text.
        hoisted_tags: LoRA tags act from the first step to the last, wherever they stand.
        negative_tags: LoRA tags in the negative prompt are tags; else they are text there.
        refused_tags: `<word:...>` with an unknown word is an error, and so is a LoRA tag without an end; else the
            one is dropped and the other is text.
        odd_weights: `(a:.)` is text; else it is an error.
        bare_escapes: A backslash makes brackets, bars, colons that weigh nothing and itself plain; before all else it
            is dropped.
        counts_calls: Schedules count the calls of the model from 0, so that what stands first in one stays for a call
            more, and second-order samplers count twice a step.
    """

    name: str
    and_anywhere: bool = False
    lone_weight: bool = False
    breaks_in_brackets: bool = True
    exact_schedules: bool = False
    hoisted_tags: bool = False
    negative_tags: bool = True
    refused_tags: bool = True
    odd_weights: bool = True
    bare_escapes: bool = False
    counts_calls: bool = False


GRAMMARS = (
    Grammar(name="default"),
    Grammar(
        name="a1111",
        and_anywhere=True,
        lone_weight=True,
        breaks_in_brackets=False,
        exact_schedules=True,
        hoisted_tags=True,
        negative_tags=False,
        refused_tags=False,
        odd_weights=False,
        bare_escapes=True,
        counts_calls=True,
    ),
)


def grammar_named(name: str) -> Grammar:
    """Return a grammar of the table.

    Raises:
        RequestError: There is none of that name.
    """
    found = find_grammar(name)
    return next(grammar for grammar in GRAMMARS if grammar.name == found)
