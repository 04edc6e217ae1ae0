"""What the products of a file are multiplied by, and who says so: its own alphas, PEFT's settings, or nobody."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from mmap import mmap
from typing import NamedTuple

from lora_mixer.files import TensorFile, TensorInfo, reading
from lora_mixer.keys.group import Group
from lora_mixer.keys.peft_files import PeftSettings
from lora_mixer.keys.peft_settings import Scale

OWN = "its own alpha"
NONE = "no alpha, which means 1"
UNKNOWN = "unknown, taken as 1"
GIVEN = frozenset({"alpha", "scale"})
"""Slots by which a group says its scale itself."""

_METHODS: tuple[tuple[str, frozenset[str], tuple[str, ...]], ...] = (
    ("LORA", frozenset({"up", "down"}), ("down",)),
    ("LOHA", frozenset({"w1_a", "w1_b"}), ("w1_b",)),
    ("LOKR", frozenset({"k1"}), ("k2_b",)),
    ("LOKR", frozenset({"k1_a", "k1_b"}), ("k2_b", "k1_b")),
    ("OFT", frozenset({"oft_r"}), ()),
    ("GLORA", frozenset({"a1", "a2", "b1", "b2"}), ("a2",)),
)
"""PEFT's word for a method, slots that show it, and those whose first axis is the rank, the first one that is there."""

_OF_PEFT = ("lora_A.", "lora_B.", ".hada_", ".lokr_")
"""Endings of PEFT, whose trainer may have had an alpha that stands nowhere; kohya's without one means the rank."""

_NUMBERS = {"F16": "<e", "F32": "<f", "F64": "<d", "I64": "<q", "I32": "<i", "I16": "<h", "I8": "<b", "U8": "<B"}


class ScaleCount(NamedTuple):
    """A scale, who says so, and of how many modules."""

    value: float
    source: str
    modules: int

    def words(self) -> str:
        """Return it as a phrase.

        >>> ScaleCount(0.25, "4/16 by its lora_adapter_metadata", 128).words()
        '0.25 on 128 modules (4/16 by its lora_adapter_metadata)'
        """
        return f"{self.value:.6g} on {self.modules} module{'s' * (self.modules != 1)} ({self.source})"


class _Shown(NamedTuple):
    """What a group's slots tell: PEFT's word for its method, and its rank, None where two whole factors have none."""

    method: str
    rank: int | None


def numbers_for(group: Group, settings: Iterable[PeftSettings], file: TensorFile) -> Mapping[str, float]:
    """Return the slots that PEFT's settings add to a group: its `scale`, or what its kind needs to know besides."""
    shown = _shown(group, file)
    if shown is None or GIVEN & group.slots.keys():
        return {}
    for place in settings:
        found = place.of(group.module)
        if found is not None and found[0].method == shown.method:
            scale = _scale(place, group, shown)
            return {**found[0].numbers, **({"scale": scale.value} if scale else {})}
    return {}


def source_of(group: Group, settings: Iterable[PeftSettings], file: TensorFile) -> str | None:
    """Return who says what a group's scale is, in words; None for groups that have none."""
    shown = _shown(group, file)
    if GIVEN & group.slots.keys():
        return OWN if shown and (shown.rank or "scale" in group.slots) else None
    if shown is None or shown.method == "OFT":
        return None
    for place in settings:
        scale = _scale(place, group, shown)
        if scale is not None:
            return f"{scale.words} by {place.source}"
    if not shown.rank:
        return None
    return UNKNOWN if any(word in key for key in group.slots.values() for word in _OF_PEFT) else NONE


def count_scales(groups: Iterable[Group], settings: Iterable[PeftSettings], file: TensorFile) -> tuple[ScaleCount, ...]:
    """Return the scales of a file as far as its header and its single numbers tell, most frequent first.

    Raises:
        FileError: The file is gone or has changed.
    """
    places = tuple(settings)
    counts: Counter[tuple[float, str]] = Counter()
    with reading(file.path):
        buffer = file.buffer()
        for group in groups:
            source = source_of(group, places, file)
            value = None if source is None else _value(group, places, file, buffer)
            if source is not None and value is not None:
                counts[value, source] += 1
    return tuple(ScaleCount(value, source, modules) for (value, source), modules in counts.most_common())


def settle_scales(
    groups: Iterable[Group], found: Iterable[PeftSettings], file: TensorFile
) -> tuple[list[PeftSettings], list[str]]:
    """Return the settings that a file's tensors do not contradict, and sentences about the others.

    Settings whose rank is not the tensors' are another file's, or older than the file: nothing of them is believed.
    Where two places say different things, the first counts.
    """
    usable, remarks = [], []
    rows = [(group, shown) for group in groups if (shown := _shown(group, file)) and not GIVEN & group.slots.keys()]
    for place in found:
        wrong = next(_contradictions(place, rows), None)
        if wrong is not None:
            remarks.append(f"{place.source} {wrong}, so it is not believed")
        else:
            usable.append(place)
    remarks += _disagreement(usable, rows)
    return usable, remarks


def _contradictions(place: PeftSettings, rows: Iterable[tuple[Group, _Shown]]) -> Iterator[str]:
    for group, shown in rows:
        found = place.of(group.module)
        if found is None:
            continue
        component, path = found
        if component.method != shown.method:
            yield f"says {component.method}, and {group.module} is {shown.method}"
        wanted = component.rank_of(path)
        if shown.rank and wanted and wanted != shown.rank:
            yield f"says rank {wanted} of {group.module}, whose tensors have {shown.rank}"


def _disagreement(usable: list[PeftSettings], rows: Iterable[tuple[Group, _Shown]]) -> list[str]:
    if len(usable) < 2:
        return []
    for group, shown in rows:
        one, other = (_scale(place, group, shown) for place in usable[:2])
        if one and other and one.value != other.value:
            return [
                f"{usable[1].source} says {other.words} of {group.module} where {usable[0].source} says {one.words}"
            ]
    return []


def _scale(place: PeftSettings, group: Group, shown: _Shown) -> Scale | None:
    found = place.of(group.module)
    if found is None or found[0].method != shown.method:
        return None
    component, path = found
    rank = shown.rank or component.rank_of(path)  # two whole factors have no rank but the one they were asked for by
    return component.scale(path, rank) if rank else None


def _shown(group: Group, file: TensorFile) -> _Shown | None:
    for method, slots, ranks in _METHODS:
        if slots <= group.slots.keys():
            shape = next((file.tensors[group.slots[name]].shape for name in ranks if name in group.slots), ())
            return _Shown(method, shape[0] if shape else None)
    return None


def _value(group: Group, places: tuple[PeftSettings, ...], file: TensorFile, buffer: mmap) -> float | None:
    numbers = numbers_for(group, places, file)
    if "scale" in numbers:
        return numbers["scale"]
    own = next((slot for slot in ("scale", "alpha") if slot in group.slots), None)
    if own is None:
        return 1.0
    value = _number(file.tensors[group.slots[own]], file, buffer)
    if own == "scale" or value is None:
        return value
    shown = _shown(group, file)
    return value / shown.rank if value and shown and shown.rank else 1.0


def _number(info: TensorInfo, file: TensorFile, buffer: mmap) -> float | None:
    """Return a single number of a file, None for dtypes that only torch reads."""
    if info.shape not in ((), (1,)):
        return None
    place = file.data_start + info.start
    if info.dtype == "BF16":
        return float(struct.unpack("<f", b"\0\0" + buffer[place : place + 2])[0])
    layout = _NUMBERS.get(info.dtype)
    return None if layout is None else float(struct.unpack_from(layout, buffer, place)[0])
