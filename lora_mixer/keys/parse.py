"""From a file's keys to groups of slots: every key ends in exactly one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lora_mixer.errors import BrokenAdapterError
from lora_mixer.files import TensorFile
from lora_mixer.keys.scheme import Scheme
from lora_mixer.keys.schemes import scheme_of
from lora_mixer.keys.suffixes import WEIGHT, split

BUNDLE = "bundle_emb."
LONE = frozenset({"alpha", "scale", "scalar"})
"""Slots that only scale others: alone they change nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The tensors of one module.

    Attributes:
        module: The module as the file spells it.
        scheme: The naming scheme it is spelled in; None if it looks like none.
        slots: Tensor key by slot.
    """

    module: str
    scheme: Scheme | None
    slots: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A tensor that belongs to no group, and why."""

    key: str
    reason: str
    harmless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedAdapter:
    """A file's keys, taken apart; no tensor is read yet.

    Attributes:
        file: The file.
        groups: One per module, in the order of their names.
        embeddings: Textual inversions in the file: prompt word -> field (`clip_l`, `clip_g`, ...) -> tensor key.
        unread: The keys that are neither.
    """

    file: TensorFile
    groups: tuple[Group, ...]
    embeddings: Mapping[str, Mapping[str, str]]
    unread: tuple[Unread, ...]


def parse_adapter(file: TensorFile) -> ParsedAdapter:
    """Sort a file's keys into groups, embeddings and unread.

    Raises:
        BrokenAdapterError: Two keys are two spellings of the same slot of the same module.
    """
    modules: dict[str, dict[str, str]] = {}
    embeddings: dict[str, dict[str, str]] = {}
    unread: list[Unread] = []
    for key in sorted(file.tensors):
        if key.startswith(BUNDLE):
            word, field = _bundle(key)
            if word:
                embeddings.setdefault(word, {})[field] = key
            else:
                unread.append(Unread(key=key, reason="an embedding without a prompt word"))
        elif (found := split(key)) is None:
            unread.append(Unread(key=key, reason="its ending is none that an adapter's tensor has"))
        else:
            slots = modules.setdefault(found.module, {})
            if found.slot in slots:
                raise _clash(file, slots[found.slot], key)
            slots[found.slot] = key
    groups = []
    for module, slots in modules.items():
        kept, left = _settle(slots)
        unread += left
        if kept:
            groups.append(Group(module=module, scheme=scheme_of(module), slots=MappingProxyType(kept)))
    return ParsedAdapter(file=file, groups=tuple(groups), embeddings=MappingProxyType(embeddings), unread=tuple(unread))


def _settle(slots: dict[str, str]) -> tuple[dict[str, str], Iterable[Unread]]:
    """Return what of a module's slots is an adapter, and the rest with reasons."""
    if WEIGHT in slots:
        if "on_input" in slots:
            return {"ia3" if slot == WEIGHT else slot: key for slot, key in slots.items()}, ()
        left = Unread(key=slots[WEIGHT], reason="a whole weight of a model, not a change of one")
        kept, more = _settle({slot: key for slot, key in slots.items() if slot != WEIGHT})
        return kept, (left, *more)
    if slots.keys() <= LONE:
        reason = "it scales a change that is not in the file"
        return {}, tuple(Unread(key=key, reason=reason, harmless=True) for key in slots.values())
    return slots, ()


def _bundle(key: str) -> tuple[str, str]:
    rest = key.removeprefix(BUNDLE)
    word, marker, field = rest.partition(".string_to_param.")
    if marker:
        return word, f"string_to_param.{field}"
    word, _, field = rest.rpartition(".")
    return word, field


def _clash(file: TensorFile, first: str, second: str) -> BrokenAdapterError:
    return BrokenAdapterError(
        f"{first} and {second} are the same tensor spelled twice",
        where=str(file.path),
        remedy="Remove one of them, or get the file from its maker again.",
    )
