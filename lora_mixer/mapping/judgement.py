"""Whether an adapter may be used as far as it was placed, and if not, why."""

from __future__ import annotations

import difflib

from lora_mixer.errors import BrokenAdapterError, PartialAdapterError, WrongFamilyError
from lora_mixer.families import ModuleIndex
from lora_mixer.keys import FamilyGuess, Group, ParsedAdapter, is_whole, widths_of
from lora_mixer.mapping.dictionary import dictionary
from lora_mixer.mapping.placement import Placement
from lora_mixer.mapping.report import Fate, TensorEntry

FLAG = "--allow-partial"
SHOWN = 3
"""How many keys an error names."""


def judge(
    parsed: ParsedAdapter, index: ModuleIndex, guess: FamilyGuess, placed: Placement, *, allow_partial: bool
) -> None:
    """Raise unless the adapter may be used as far as it was placed.

    Raises:
        WrongFamilyError: It was made for another base model.
        PartialAdapterError: Some of its tensors have no place on the model, or none has one.
        BrokenAdapterError: Its tensors contradict each other or the modules they name.
    """
    left = [entry for entry in placed.entries if entry.fate is Fate.REJECTED]
    where = str(parsed.file.path)
    if left and not guess.fits(index.family):
        raise WrongFamilyError(
            f"{guess.sentence()}, and the open model is {index.family.title}",
            where=where,
            remedy="Choose a model of the adapter's kind, or the adapter's version for this one.",
        )
    if placed.broken and not allow_partial:
        _require_meant_for(parsed, index, placed, where)
        group, error = placed.broken[0]
        key = next(iter(group.slots.values()))
        raise BrokenAdapterError(error.what, where=f"{where}: {key}", remedy=error.remedy)
    nothing = not placed.layers and not placed.words
    if nothing or (left and not allow_partial):
        raise _partial(parsed, index, left, where, nothing=nothing)


def _require_meant_for(parsed: ParsedAdapter, index: ModuleIndex, placed: Placement, where: str) -> None:
    """Raise if most of what has a module here was made for one of another size: that is no damage."""
    misfits = [text for group, _ in placed.broken if (text := _misfit(group, parsed, index))]
    if len(misfits) <= len(placed.layers):
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


def _nearest(group: Group, index: ModuleIndex) -> str | None:
    """Return the spelling the model knows that comes nearest to a group's, in the group's own naming."""
    names = dictionary(index, group.scheme) if group.scheme else ()
    return next(iter(difflib.get_close_matches(group.module, names, n=1)), None)
