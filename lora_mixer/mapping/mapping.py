"""Map a parsed file onto a model's index, without multiplying anything or touching the model."""

from __future__ import annotations

import difflib
from collections import ChainMap, Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import torch
from torch import Tensor

from lora_mixer.adapters import Hints, Layer, file_hints, make_layer
from lora_mixer.errors import (
    AdapterError,
    BrokenAdapterError,
    PartialAdapterError,
    UnsupportedAdapterError,
    WrongFamilyError,
)
from lora_mixer.families import ModuleIndex
from lora_mixer.keys import (
    FamilyGuess,
    Group,
    ParsedAdapter,
    ScaleCount,
    is_whole,
    numbers_for,
    source_of,
    tell_family,
    widths_of,
)
from lora_mixer.mapping.bundled import place_embeddings
from lora_mixer.mapping.dictionary import Targets, dictionary
from lora_mixer.mapping.mapped import MappedAdapter
from lora_mixer.mapping.packed import split_rows
from lora_mixer.mapping.report import (
    Fate,
    LayerSummary,
    MappingReport,
    TensorEntry,
    applied,
    count_sections,
    rejected,
)
from lora_mixer.mapping.tensors import sane_throughout
from lora_mixer.modules import ModuleName
from lora_mixer.tensors import Read, tensor_reader

FLAG = "--allow-partial"
SHOWN = 3
"""How many keys an error names."""


@dataclass(slots=True, kw_only=True)
class _Desk:
    """The layers and entries so far."""

    layers: dict[ModuleName, Layer] = field(default_factory=dict)
    spelled: dict[ModuleName, str] = field(default_factory=dict)
    scales: list[tuple[float, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    entries: list[TensorEntry] = field(default_factory=list)
    broken: list[tuple[Group, AdapterError]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """A group with its modules, tensors (including PEFT's numbers) and the source of its scale."""

    group: Group
    targets: Targets
    slots: Mapping[str, Tensor]
    source: str | None = None


def map_adapter(
    parsed: ParsedAdapter,
    index: ModuleIndex,
    *,
    name: str,
    digest: str,
    allow_partial: bool = False,
    read: Read | None = None,
) -> MappedAdapter:
    """Return an adapter as layers of a model.

    Args:
        parsed: The file's keys, taken apart.
        index: The model's modules.
        name: The name the adapter goes by.
        digest: The sha256 of its file.
        allow_partial: Accept it although some of its tensors fit nowhere; the report says which.
        read: Gives the file's tensors; None reads them from the file as views.

    Raises:
        UnsupportedAdapterError: It was made by a method that is not applied here.
        WrongFamilyError: It was made for another base model.
        PartialAdapterError: Some of its tensors have no place on the model, or none has one.
        BrokenAdapterError: Its tensors contradict each other or the modules they name.
        FileError: The file is gone or has changed.
    """
    guess = tell_family(parsed)
    if parsed.refused is not None:
        title, remedy = parsed.refused
        raise UnsupportedAdapterError(
            f"it is {title}, which cannot be applied as a LoRA", where=str(parsed.file.path), remedy=remedy
        )
    desk = _Desk()
    tensor = tensor_reader(parsed.file) if read is None else read
    chosen = _choose(parsed, index, tensor, desk)
    hints = _hints(chosen, index)
    every_tensor_placed = not desk.entries and not parsed.unread  # a file to be refused is not read first
    sane = every_tensor_placed and sane_throughout(parsed.file, tensor)
    for choice in chosen:
        _place(choice, index, hints, desk, sane=sane)
    desk.entries += [_entry_of(unread.key, unread.reason, harmless=unread.harmless) for unread in parsed.unread]
    bundled = place_embeddings(parsed, index, tensor)
    desk.entries += bundled.entries
    desk.words += bundled.embeddings
    _judge(parsed, index, guess, desk, allow_partial=allow_partial)
    return MappedAdapter(
        name=name,
        digest=digest,
        family_guess=guess,
        layers=MappingProxyType(desk.layers),
        modules=MappingProxyType({name: index.modules[name] for name in desk.layers}),
        embeddings=MappingProxyType(bundled.embeddings),
        report=_report(name, parsed, index, guess, desk),
    )


def _choose(parsed: ParsedAdapter, index: ModuleIndex, read: Read, desk: _Desk) -> tuple[_Choice, ...]:
    """Return the groups that have modules, with their tensors; enter the others."""
    schemes = {group.scheme for group in parsed.groups if group.scheme}
    spelled = {scheme: dictionary(index, scheme) for scheme in schemes}
    placed: list[tuple[Group, Targets]] = []
    for group in parsed.groups:
        targets = spelled[group.scheme].get(group.module) if group.scheme else None
        if targets is None:
            desk.entries += rejected(group, _no_place(group))
        else:
            placed.append((group, targets))
    return tuple(_choice(group, targets, parsed, read) for group, targets in _joined(placed))


def _joined(placed: list[tuple[Group, Targets]]) -> Iterator[tuple[Group, Targets]]:
    """Yield groups and their modules, the halves of one that a file spells in two namings as one.

    SimpleTuner's `lora_format=comfyui` gives a DoRA's factors kohya's names and leaves its magnitudes diffusers'.
    """
    by_targets: dict[Targets, list[Group]] = {}
    for group, targets in placed:
        by_targets.setdefault(targets, []).append(group)
    for targets, groups in by_targets.items():
        slots = ChainMap(*(dict(group.slots) for group in groups))
        if len(groups) > 1 and len(slots) == sum(len(group.slots) for group in groups):
            whole = max(groups, key=lambda group: len(group.slots))
            yield replace(whole, slots=MappingProxyType(dict(sorted(slots.items())))), targets
        else:
            yield from ((group, targets) for group in groups)


def _choice(group: Group, targets: Targets, parsed: ParsedAdapter, read: Read) -> _Choice:
    numbers = numbers_for(group, parsed.settings, parsed.file)
    slots = {slot: torch.tensor(number, dtype=torch.float64) for slot, number in numbers.items()}
    slots |= {slot: read(parsed.file.tensors[key]) for slot, key in group.slots.items()}
    source = source_of(group, parsed.settings, parsed.file)
    return _Choice(group=group, targets=targets, slots=slots, source=source)


def _hints(chosen: tuple[_Choice, ...], index: ModuleIndex) -> Hints:
    """Return what the file's DoRA groups tell about one another."""
    magnitudes = [choice for choice in chosen if "dora_scale" in choice.slots and len(choice.targets) == 1]
    return file_hints((choice.slots, index.modules[choice.targets[0]].weight) for choice in magnitudes)


def _place(choice: _Choice, index: ModuleIndex, hints: Hints, desk: _Desk, *, sane: bool) -> None:
    """Make a group's layers and enter what became of it."""
    group, targets = choice.group, choice.targets
    many = len(targets) > 1
    try:
        for target in targets:
            _require_new(target, group, desk)
        slots = split_rows(choice.slots, len(targets)) if many else (choice.slots,)
        layers = {
            target: make_layer(own, index.modules[target].weight, index.modules[target].bias, hints=hints, sane=sane)
            for target, own in zip(targets, slots, strict=True)
        }
    except AdapterError as error:
        desk.broken.append((group, error))
        desk.entries += rejected(group, error.what)
        return
    desk.layers.update(layers)
    desk.spelled.update(dict.fromkeys(targets, group.module))
    desk.entries += applied(group, targets)
    if choice.source is not None:
        desk.scales += [(layer.scale, choice.source) for layer in layers.values()]


def _require_new(target: ModuleName, group: Group, desk: _Desk) -> None:
    if target in desk.spelled:
        raise BrokenAdapterError(f"{desk.spelled[target]} and {group.module} are the same module, {target}")


def _no_place(group: Group) -> str:
    if group.scheme is None:
        return "its name is spelled in no way known here"
    part = group.scheme.name
    return f"the model has no module of that name ({part} naming)"


def _nearest(group: Group, index: ModuleIndex) -> str | None:
    """Return the spelling the model knows that comes nearest to a group's, in the group's own naming."""
    names = dictionary(index, group.scheme) if group.scheme else ()
    return next(iter(difflib.get_close_matches(group.module, names, n=1)), None)


def _entry_of(key: str, reason: str, *, harmless: bool) -> TensorEntry:
    return TensorEntry(key=key, fate=Fate.IGNORED if harmless else Fate.REJECTED, reason=reason)


def _judge(parsed: ParsedAdapter, index: ModuleIndex, guess: FamilyGuess, desk: _Desk, *, allow_partial: bool) -> None:
    """Raise unless the adapter may be used as far as it was placed."""
    left = [entry for entry in desk.entries if entry.fate is Fate.REJECTED]
    where = str(parsed.file.path)
    if left and not guess.fits(index.family):
        raise WrongFamilyError(
            f"{guess.sentence()}, and the open model is {index.family.title}",
            where=where,
            remedy="Choose a model of the adapter's kind, or the adapter's version for this one.",
        )
    if desk.broken and not allow_partial:
        _require_meant_for(parsed, index, desk, where)
        group, error = desk.broken[0]
        key = next(iter(group.slots.values()))
        raise BrokenAdapterError(error.what, where=f"{where}: {key}", remedy=error.remedy)
    nothing = not desk.layers and not desk.words
    if nothing or (left and not allow_partial):
        raise _partial(parsed, index, left, where, nothing=nothing)


def _require_meant_for(parsed: ParsedAdapter, index: ModuleIndex, desk: _Desk, where: str) -> None:
    """Raise if most of what has a module here was made for one of another size: that is no damage."""
    misfits = [text for group, _ in desk.broken if (text := _misfit(group, parsed, index))]
    if len(misfits) <= len(desk.layers):
        return
    raise WrongFamilyError(
        f"{len(misfits)} of its modules were made for another size than {index.family.title} has: {misfits[0]}",
        where=where,
        remedy="It fits the model it was trained on, perhaps a pruned or larger one of the same family.",
    )


def _misfit(group: Group, parsed: ParsedAdapter, index: ModuleIndex) -> str | None:
    """Return what a group was made for and what the model has, if its tensors agree with each other but not with that."""
    targets = dictionary(index, group.scheme).get(group.module, ()) if group.scheme else ()
    shapes = {slot: parsed.file.tensors[key].shape for slot, key in group.slots.items()}
    own = widths_of(shapes)
    if len(targets) != 1 or not is_whole(shapes):
        return None
    weight = index.modules[targets[0]].weight
    has = (weight[1] if len(weight) > 1 else weight[0], weight[0])
    differs = any(mine is not None and mine != its for mine, its in zip(own, has, strict=True))
    return (
        f"{group.module} has {has[0]} inputs and {has[1]} outputs, not {own.inputs} and {own.outputs}"
        if differs
        else None
    )


def _partial(
    parsed: ParsedAdapter, index: ModuleIndex, left: list[TensorEntry], where: str, *, nothing: bool
) -> PartialAdapterError:
    shown = "; ".join(f"{entry.key}: {entry.reason}" for entry in left[:SHOWN])
    more = f"; and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
    if nothing:
        what = f"nothing in it fits {index.family.title} ({shown or 'it holds no adapter tensors'}{more})"
        return PartialAdapterError(what, where=where, remedy="Is it an adapter for this base model?")
    near = next((_nearest(group, index) for group in parsed.groups if left[0].key in group.slots.values()), None)
    hint = f" Nearest name the model knows: {near}." if near else ""
    return PartialAdapterError(
        f"{len(left)} of its {len(parsed.file.tensors)} tensors have no place on {index.family.title} ({shown}{more})",
        where=where,
        remedy=f"{hint} To use the rest of it anyway, say {FLAG}.".strip(),
    )


def _report(name: str, parsed: ParsedAdapter, index: ModuleIndex, guess: FamilyGuess, desk: _Desk) -> MappingReport:
    placed = [
        LayerSummary(module=index.modules[at], kind=layer.kind.name, rank=layer.rank)
        for at, layer in desk.layers.items()
    ]
    return MappingReport(
        name=name,
        model=index.family.title,
        made_for=guess.sentence(),
        schemes=tuple(dict.fromkeys(group.scheme.name for group in parsed.groups if group.scheme)),
        entries=tuple(sorted(desk.entries, key=lambda entry: entry.key)),
        sections=count_sections(index, placed),
        embeddings=tuple(desk.words),
        scales=tuple(
            ScaleCount(value, source, modules) for (value, source), modules in Counter(desk.scales).most_common()
        ),
        remarks=parsed.remarks,
    )
