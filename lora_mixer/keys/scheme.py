"""What a naming scheme is: how a module's canonical name is spelled in a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lora_mixer.modules import Family, ModuleName

Spell = Callable[[ModuleName, Family], tuple[str, ...]]
Prefixes = Mapping[str, tuple[str, ...]]
"""Part of the model -> what files write for it."""

TEXT_LEVEL = "text_model."
TWO_ENCODERS = frozenset({Family.SDXL, Family.SDXL_REFINER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """One row of the table of schemes.

    Attributes:
        name: The word for it in reports and records.
        title: What users know it by, with an example.
        pattern: A regular expression that every spelling of this scheme matches at its start, and none of a scheme
            further down the table; it serves to tell schemes apart, never to read a name.
        spell: All spellings of a module; empty if the scheme cannot name it.
        stacks: Last components of modules that share a spelling, their rows one below the other in this order.
    """

    name: str
    title: str
    pattern: str
    spell: Spell
    stacks: tuple[str, ...] = ()


def prefixes_of(name: ModuleName, family: Family, prefixes: Prefixes, alone: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return a part's prefixes; `alone` are further ones of the first text encoder where it is the only one."""
    own = prefixes.get(name.part, ())
    return (*alone, *own) if name.part == "te1" and family not in TWO_ENCODERS else own


def paths_of(name: ModuleName) -> tuple[str, ...]:
    """Return the dotted paths a module goes by: text encoders with and without their `text_model` level.

    >>> paths_of(ModuleName("te1", "text_model.encoder.layers.0.mlp.fc1"))
    ('text_model.encoder.layers.0.mlp.fc1', 'encoder.layers.0.mlp.fc1')
    """
    bare = name.path.removeprefix(TEXT_LEVEL)
    return (name.path,) if bare == name.path else (name.path, bare)
