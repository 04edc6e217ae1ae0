"""Dynamic prompts: a template drawn at random from a seed, or every prompt it stands for."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

from lora_mixer.prompt.block_draw import draw_blocks
from lora_mixer.prompt.choices import MAX_REPLACEMENTS
from lora_mixer.prompt.draw import Draw
from lora_mixer.prompt.enumeration import Enumerator
from lora_mixer.prompt.template import read_template
from lora_mixer.prompt.wildcards import Wildcards


def expand(text: str, *, seed: int, folders: Iterable[Path] = (), limit: int = MAX_REPLACEMENTS) -> str:
    """Return a prompt drawn from a template; the same seed gives the same prompt.

    Random block weights of LoRA tags (`lbw=R,U,...`) are drawn with it: the prompt that comes out holds numbers.

    Args:
        text: The template: `{a|b}`, `{2::a|b}`, `{2$$a|b|c}`, `{1-2$$ and $$a|b}`, `__wildcard__`, `${v=a}`, `${v}`.
        seed: What the draw depends on.
        folders: Where wildcards lie.
        limit: How many choices, wildcards and variables may be replaced.

    Raises:
        PromptError: A wildcard or variable is unknown or names itself, or the template is too large.
        ConfigError: A wildcard's file cannot be read.

    >>> expand("a {red|red} cat", seed=1)
    'a red cat'
    >>> expand("${who=!{cat|cat}}${who} and ${who}", seed=1)
    'cat and cat'
    """
    return draw_blocks(Draw(seed, Wildcards(folders), limit).text(read_template(text)), seed=seed)


def combinations(text: str, *, limit: int, folders: Iterable[Path] = ()) -> tuple[str, ...]:
    """Return the first `limit` prompts a template stands for, the last choice turning fastest.

    Raises:
        PromptError: As `expand`.
        ConfigError: As `expand`.

    >>> combinations("{a|b} {c|d}", limit=3)
    ('a c', 'a d', 'b c')
    """
    return tuple(itertools.islice(Enumerator(Wildcards(folders)).prompts(read_template(text)), limit))
