"""From a file's keys to groups of slots: every key ends in exactly one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lora_mixer.errors import BrokenAdapterError
from lora_mixer.families import all_families, text_encoders
from lora_mixer.files import TensorFile
from lora_mixer.keys.group import Group, Unread
from lora_mixer.keys.methods import Method, method_of
from lora_mixer.keys.numbered import EMBEDDED, is_numbered, numbered
from lora_mixer.keys.peft_files import PeftSettings, find_settings
from lora_mixer.keys.peft_settings import RefusedMethod
from lora_mixer.keys.scales import settle_scales
from lora_mixer.keys.schemes import scheme_of
from lora_mixer.keys.suffixes import WEIGHT, Split, split

BUNDLE = "bundle_emb."
T5 = ("t5xxl", 4096)
"""What families that are only recognised call their further text encoder in embedding files, and its width."""

LONE = frozenset({"alpha", "scale", "scalar"})
"""Slots that only scale others: alone they change nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedAdapter:
    """A file's keys, taken apart; no tensor is read yet.

    Attributes:
        file: The file.
        groups: One per module, in the order of their names.
        embeddings: Textual inversions in the file: prompt word -> field (`clip_l`, `clip_g`, ...) -> tensor key.
        unread: The keys that are neither.
        settings: PEFT's settings that the tensors do not contradict, the header's first.
        remarks: Sentences about settings that are damaged, are another file's or contradict one another.
        refused: A method that cannot be applied, whatever its tensors are.
    """

    file: TensorFile
    groups: tuple[Group, ...]
    embeddings: Mapping[str, Mapping[str, str]]
    unread: tuple[Unread, ...]
    settings: tuple[PeftSettings, ...] = ()
    remarks: tuple[str, ...] = ()
    refused: RefusedMethod | None = None


@dataclass(slots=True, kw_only=True)
class _Sorted:
    """What has been sorted so far."""

    modules: dict[str, dict[str, str]] = field(default_factory=dict)
    embeddings: dict[str, dict[str, str]] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    methods: list[Method] = field(default_factory=list)
    numbered: Mapping[str, Split] = field(default_factory=dict)


def parse_adapter(file: TensorFile) -> ParsedAdapter:
    """Sort a file's keys into groups, embeddings and unread, and read what PEFT says of them in header and folder.

    Raises:
        BrokenAdapterError: Two keys are two spellings of the same slot of the same module.
    """
    piles = _Sorted(numbered=numbered(file))
    for key in sorted(file.tensors):
        _sort(key, file, piles)
    groups = []
    for module, slots in piles.modules.items():
        kept, left = _settle(slots)
        piles.unread += left
        if kept:
            groups.append(Group(module=module, scheme=scheme_of(module), slots=MappingProxyType(kept)))
    places, remarks = find_settings(file)
    settings, more = settle_scales(groups, [place for place in places if place.refused is None], file)
    return ParsedAdapter(
        file=file,
        groups=tuple(groups),
        embeddings=MappingProxyType(piles.embeddings),
        unread=tuple(piles.unread),
        settings=tuple(settings),
        remarks=(*remarks, *more),
        refused=next((place.refused for place in places if place.refused), None)
        or _refused(piles.methods)
        or (None if groups or piles.embeddings else embedding_instead(file)),
    )


def _sort(key: str, file: TensorFile, piles: _Sorted) -> None:
    """Put one key on its pile."""
    if (method := method_of(key)) is not None:
        piles.methods.append(method)
        piles.unread.append(Unread(key=key, reason=f"it belongs to {method.title}, which is not applied here"))
    elif key.startswith(BUNDLE):
        word, name = _bundle(key)
        if word:
            piles.embeddings.setdefault(word, {})[name] = key
        else:
            piles.unread.append(Unread(key=key, reason="an embedding without a prompt word"))
    elif file.metadata.get(key) == EMBEDDED:
        piles.embeddings.setdefault(key, {})["emb_params"] = key
    elif (found := piles.numbered.get(key) or split(key)) is None:
        piles.unread.append(Unread(key=key, reason=_no_slot(key)))
    else:
        slots = piles.modules.setdefault(found.module, {})
        if found.slot in slots:
            raise _clash(file, slots[found.slot], key)
        slots[found.slot] = key


def _no_slot(key: str) -> str:
    if is_numbered(key):
        return "it is a module by its number, among others than those that are numbered as a rule"
    return "its ending is none that an adapter's tensor has"


def embedding_instead(file: TensorFile) -> RefusedMethod | None:
    """Return that a file is an embedding and no LoRA, if its names and shapes say so: one table of vectors, or a pair."""
    names = {key.removeprefix("string_to_param.") for key in file.tensors}
    widths = {T5[1]}.union(*(family.traits[e.part] for family in all_families() for e in family.text_encoders))
    paired = {T5[0]}.union(*(encoder.embeddings for encoder in text_encoders()))
    vectors = all(info.shape and info.shape[-1] in widths and len(info.shape) < 3 for info in file.tensors.values())
    if not names or not vectors or not (names <= paired or len(file.tensors) == 1):
        return None
    return RefusedMethod(
        "a textual inversion embedding", "Put it into a folder of embeddings, and write its name in the prompt."
    )


def _refused(methods: Iterable[Method]) -> RefusedMethod | None:
    title = next((method.title for method in methods if not method.beside), None)
    return RefusedMethod(title, "Use a LoRA, LoHa, LoKr or OFT of the same training.") if title else None


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
