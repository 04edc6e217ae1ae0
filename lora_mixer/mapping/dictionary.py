"""The exact dictionary from spellings to modules: made from the model's own names, so no `_` is ever guessed at."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from lora_mixer.errors import ModelError
from lora_mixer.families import Family, ModuleIndex
from lora_mixer.keys import Scheme
from lora_mixer.modules import ModuleName

Targets = tuple[ModuleName, ...]
"""The modules a spelling stands for: one, or several whose rows are stacked."""


def dictionary(index: ModuleIndex, scheme: Scheme) -> Mapping[str, Targets]:
    """Return what every spelling of a scheme stands for on a model.

    Raises:
        ModelError: Two modules of the model are spelled alike.
    """
    return _dictionary(index.family, tuple(index.modules), scheme)


@lru_cache(maxsize=32)
def _dictionary(family: Family, names: tuple[ModuleName, ...], scheme: Scheme) -> Mapping[str, Targets]:
    found: dict[str, Targets] = {}
    for name in names:
        for spelling in scheme.spell(name, family):
            found[spelling] = (*found.get(spelling, ()), name)
    return MappingProxyType({spelling: _settle(scheme, spelling, targets) for spelling, targets in found.items()})


def _settle(scheme: Scheme, spelling: str, names: Targets) -> Targets:
    if len(names) == 1:
        return names
    rows = {name.path.rpartition(".")[2]: name for name in names}
    if tuple(sorted(rows)) == tuple(sorted(scheme.stacks)) and len(names) == len(rows):
        return tuple(rows[last] for last in scheme.stacks)
    both = " and ".join(map(str, names[:2]))
    raise ModelError(
        f"{both} are both spelled {spelling} in {scheme.title}",
        remedy="A file in this naming cannot tell them apart; use one with dotted names.",
    )
