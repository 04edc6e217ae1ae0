"""The groups of a file and the modules they are for, by exact name."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import torch
from torch import Tensor

from lora_mixer.families import ModuleIndex
from lora_mixer.keys import Group, ParsedAdapter, numbers_for, source_of
from lora_mixer.mapping.dictionary import Targets, dictionary
from lora_mixer.mapping.report import TensorEntry, rejected
from lora_mixer.tensors import Read


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedGroup:
    """A group with its modules, its tensors (PEFT's numbers among them) and the source of its scale."""

    group: Group
    targets: Targets
    slots: Mapping[str, Tensor]
    source: str | None = None


def assign(
    parsed: ParsedAdapter, index: ModuleIndex, read: Read
) -> tuple[tuple[AssignedGroup, ...], list[TensorEntry]]:
    """Return the groups that have modules on a model, and the account of those that have none."""
    schemes = {group.scheme for group in parsed.groups if group.scheme}
    spelled = {scheme: dictionary(index, scheme) for scheme in schemes}
    named: list[tuple[Group, Targets]] = []
    nameless: list[TensorEntry] = []
    for group in parsed.groups:
        targets = spelled[group.scheme].get(group.module) if group.scheme else None
        if targets is None:
            nameless += rejected(group, _no_place(group))
        else:
            named.append((group, targets))
    return tuple(_assigned(group, targets, parsed, read) for group, targets in _joined(named)), nameless


def _joined(named: list[tuple[Group, Targets]]) -> Iterator[tuple[Group, Targets]]:
    """Yield groups and their modules, the halves of one that a file spells in two namings as one.

    SimpleTuner's `lora_format=comfyui` gives a DoRA's factors kohya's names and leaves its magnitudes diffusers'.
    """
    by_targets: dict[Targets, list[Group]] = {}
    for group, targets in named:
        by_targets.setdefault(targets, []).append(group)
    for targets, groups in by_targets.items():
        slots = ChainMap(*(dict(group.slots) for group in groups))
        if len(groups) > 1 and len(slots) == sum(len(group.slots) for group in groups):
            whole = max(groups, key=lambda group: len(group.slots))
            yield replace(whole, slots=MappingProxyType(dict(sorted(slots.items())))), targets
        else:
            yield from ((group, targets) for group in groups)


def _assigned(group: Group, targets: Targets, parsed: ParsedAdapter, read: Read) -> AssignedGroup:
    numbers = numbers_for(group, parsed.settings, parsed.file)
    slots = {slot: torch.tensor(number, dtype=torch.float64) for slot, number in numbers.items()}
    slots |= {slot: read(parsed.file.tensors[key]) for slot, key in group.slots.items()}
    source = source_of(group, parsed.settings, parsed.file)
    return AssignedGroup(group=group, targets=targets, slots=slots, source=source)


def _no_place(group: Group) -> str:
    if group.scheme is None:
        return "its name is spelled in no way known here"
    part = group.scheme.name
    return f"the model has no module of that name ({part} naming)"
