"""What a naming scheme is: how a module's canonical name is spelled in a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lora_mixer.modules import Family, ModuleName

Spell = Callable[[ModuleName, Family], tuple[str, ...]]


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


def text_prefixes(
    family: Family, prefixes: Mapping[str, tuple[str, ...]], alone: tuple[str, ...]
) -> Mapping[str, tuple[str, ...]]:
    """Return prefixes by part; `alone` are further ones of the first text encoder where it is the only one."""
    if family in {Family.SDXL, Family.SDXL_REFINER}:
        return prefixes
    return {**prefixes, "te1": (*alone, *prefixes["te1"])}
