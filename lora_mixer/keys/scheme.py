"""What a naming scheme is: how a module's canonical name is spelled in a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lora_mixer.families import Family, denoiser_kinds, text_encoders
from lora_mixer.modules import ModuleName

Spell = Callable[[ModuleName, Family], tuple[str, ...]]

TEXT_LEVEL = "text_model."


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """One row of the table of schemes.

    Attributes:
        name: The word for it in reports and records.
        title: What users know it by, with an example.
        pattern: Returns a regular expression, made from the families there are, that every spelling of this scheme
            matches at its start, and none of a scheme further down the table; it serves to tell schemes apart, never
            to read a name.
        spell: All spellings of a module; empty if the scheme cannot name it.
        stacks: Last components of modules that share a spelling, their rows one below the other in this order.
    """

    name: str
    title: str
    pattern: Callable[[], str]
    spell: Spell
    stacks: tuple[str, ...] = ()


def paths_of(name: ModuleName) -> tuple[str, ...]:
    """Return the dotted paths a module goes by: text encoders with and without their `text_model` level.

    >>> paths_of(ModuleName("te1", "text_model.encoder.layers.0.mlp.fc1"))
    ('text_model.encoder.layers.0.mlp.fc1', 'encoder.layers.0.mlp.fc1')
    """
    bare = name.path.removeprefix(TEXT_LEVEL)
    return (name.path,) if bare == name.path else (name.path, bare)


def kohya_prefixes(family: Family, part: str) -> tuple[str, ...]:
    """Return what kohya's names of a part begin with; none if the family has no such part."""
    network = family.network(part)
    return () if network is None else network.kohya


def any_of(words: Iterable[str]) -> str:
    """Return a regular expression for any of some words."""
    return "|".join(re.escape(word) for word in dict.fromkeys(words))


def of_denoisers() -> str:
    """Return a regular expression for kohya's prefixes of denoisers."""
    return any_of(prefix for kind in denoiser_kinds() for prefix in kind.kohya)


def of_text_encoders() -> str:
    """Return a regular expression for kohya's prefixes of text encoders."""
    return any_of(prefix for encoder in text_encoders() for prefix in encoder.kohya)


def original_blocks() -> str:
    """Return a regular expression for what the original code bases call the top levels of their denoisers."""
    return any_of(word for kind in denoiser_kinds() for word in kind.original_blocks)
