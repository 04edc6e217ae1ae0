"""The report of an adapter on a model: where every tensor went, as sentences, a table and JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lora_mixer.keys import Group, ScaleCount
from lora_mixer.modules import DENOISER, ModuleName, ModuleSpec
from lora_mixer.wording import counted

SCALES_SHOWN = 3
"""Up to this many scales are listed individually."""


class Fate(StrEnum):
    """What happened to a tensor."""

    APPLIED = "applied"
    IGNORED = "ignored"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorEntry:
    """One tensor of the file.

    Attributes:
        key: Its key.
        fate: What became of it.
        reason: Why it was not applied; empty if it was.
        modules: The modules it acts on.
    """

    key: str
    fate: Fate
    reason: str = ""
    modules: tuple[ModuleName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionCount:
    """One section of the model (`unet down`, `te1`, ...).

    Attributes:
        section: Its name.
        text: It is a text encoder.
        modules: How many of its modules the adapter changes.
        of: How many it has.
        kinds: Kinds of adapter, most frequent first.
        ranks: Ranks, smallest first.
    """

    section: str
    text: bool
    modules: int
    of: int
    kinds: tuple[str, ...]
    ranks: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingReport:
    """The report.

    Attributes:
        name: The adapter's name.
        model: What the model is, in words.
        made_for: What the adapter was made for, in words, with the evidence.
        schemes: The naming schemes in the file.
        entries: One per tensor of the file, by key.
        sections: One per section of the model, in the model's order.
        embeddings: Prompt words of the embeddings in the file.
        scales: What the products are multiplied by, who says so, and on how many modules, most frequent first.
        remarks: Sentences about settings beside the tensors that are damaged or contradict them.
    """

    name: str
    model: str
    made_for: str
    schemes: tuple[str, ...]
    entries: tuple[TensorEntry, ...]
    sections: tuple[SectionCount, ...]
    embeddings: tuple[str, ...] = ()
    scales: tuple[ScaleCount, ...] = ()
    remarks: tuple[str, ...] = ()

    def count(self, fate: Fate) -> int:
        """Return how many tensors had this fate."""
        return sum(entry.fate is fate for entry in self.entries)

    @property
    def complete(self) -> bool:
        """Whether nothing was rejected."""
        return not self.count(Fate.REJECTED)

    def scale_words(self) -> str:
        """Return what the products are multiplied by, as a phrase; a range where they are many."""
        if len(self.scales) <= SCALES_SHOWN:
            return "; ".join(count.words() for count in self.scales)
        values = [count.value for count in self.scales]
        modules = sum(count.modules for count in self.scales)
        return f"{min(values):.6g} to {max(values):.6g} on {modules} modules ({_common(self.scales)})"

    def reasons(self, fate: Fate) -> tuple[tuple[str, int], ...]:
        """Return the reasons for a fate with their counts, most frequent first."""
        return tuple(Counter(entry.reason for entry in self.entries if entry.fate is fate).most_common())

    def sentences(self) -> tuple[str, ...]:
        """Return the report in words."""
        hit = [count for count in self.sections if count.modules]
        changed = counted(sum(count.modules for count in hit), "module")
        places = "; ".join(f"{count.modules} of {count.of} in {count.section}" for count in hit)
        lines = [
            f"{self.name}: {self.made_for}.",
            f"It changes {changed} of {self.model}" + (f": {places}." if places else "."),
        ]
        lines += [f"Scale {self.scale_words()}."] if self.scales else []
        lines += [f"{remark[:1].upper()}{remark[1:]}." for remark in self.remarks]
        if hit and not any(count.text for count in hit):
            lines.append("It has no text-encoder part, so a text-encoder strength does nothing.")
        if self.embeddings:
            lines.append(f"It brings {counted(len(self.embeddings), 'prompt word')}: {', '.join(self.embeddings)}.")
        for fate in (Fate.IGNORED, Fate.REJECTED):
            lines += [f"{counted(n, 'tensor')} {fate}: {reason}." for reason, n in self.reasons(fate)]
        if self.complete:
            lines.append(f"All of its {counted(len(self.entries), 'tensor')} are accounted for.")
        return tuple(lines)

    def table(self) -> str:
        """Return one line a section and one for every tensor that was not applied, in aligned columns."""
        rows = [("section", "modules", "kinds", "ranks")]
        rows += [
            (count.section, f"{count.modules}/{count.of}", ", ".join(count.kinds), _ranks(count.ranks))
            for count in self.sections
        ]
        left = [(entry.key, entry.fate.value, entry.reason) for entry in self.entries if entry.fate is not Fate.APPLIED]
        return "\n".join((*_aligned(rows), *_aligned(left)))

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {
            "name": self.name,
            "model": self.model,
            "made_for": self.made_for,
            "schemes": list(self.schemes),
            "complete": self.complete,
            "counts": {fate.value: self.count(fate) for fate in Fate},
            "sections": [
                {
                    "section": count.section,
                    "modules": count.modules,
                    "of": count.of,
                    "kinds": list(count.kinds),
                    "ranks": list(count.ranks),
                }
                for count in self.sections
            ],
            "embeddings": list(self.embeddings),
            "scales": [count._asdict() for count in self.scales],
            "remarks": list(self.remarks),
            "tensors": [
                {
                    "key": entry.key,
                    "fate": entry.fate.value,
                    "reason": entry.reason,
                    "modules": [str(name) for name in entry.modules],
                }
                for entry in self.entries
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSummary:
    """A layer's module, kind and rank, for counting."""

    module: ModuleSpec
    kind: str
    rank: int | None


def count_sections(modules: Iterable[ModuleSpec], placed: Iterable[LayerSummary]) -> tuple[SectionCount, ...]:
    """Return the counts per section of a model's modules, and of those an adapter changes."""
    totals = Counter((spec.section, spec.name.part != DENOISER) for spec in modules)
    by_section: dict[str, list[LayerSummary]] = {title: [] for title, _ in totals}
    for placement in placed:
        by_section[placement.module.section].append(placement)
    return tuple(
        SectionCount(
            section=title,
            text=text,
            modules=len(by_section[title]),
            of=total,
            kinds=tuple(kind for kind, _ in Counter(p.kind for p in by_section[title]).most_common()),
            ranks=tuple(sorted({p.rank for p in by_section[title] if p.rank is not None})),
        )
        for (title, text), total in totals.items()
    )


def applied(group: Group, modules: tuple[ModuleName, ...]) -> tuple[TensorEntry, ...]:
    """Return the entries of a group that found its modules."""
    return tuple(TensorEntry(key=key, fate=Fate.APPLIED, modules=modules) for key in group.slots.values())


def rejected(group: Group, reason: str) -> tuple[TensorEntry, ...]:
    """Return the entries of a group that did not."""
    return tuple(TensorEntry(key=key, fate=Fate.REJECTED, reason=reason) for key in group.slots.values())


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _common(scales: Sequence[ScaleCount]) -> str:
    """Return who says so, without the numbers that differ from module to module."""
    return ", ".join(dict.fromkeys(count.source.rpartition(" by ")[2] for count in scales))


def _ranks(ranks: tuple[int, ...]) -> str:
    return f"{ranks[0]}..{ranks[-1]}" if len(ranks) > 3 else ", ".join(map(str, ranks))
