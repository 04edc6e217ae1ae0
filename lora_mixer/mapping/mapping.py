"""Map a parsed file onto a model's index, without multiplying anything or touching the model."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType

from lora_mixer.errors import UnsupportedAdapterError
from lora_mixer.families import ModuleIndex
from lora_mixer.keys import FamilyGuess, ParsedAdapter, ScaleCount, tell_family
from lora_mixer.mapping.assignment import assign
from lora_mixer.mapping.bundled import place_embeddings
from lora_mixer.mapping.judgement import judge
from lora_mixer.mapping.mapped import MappedAdapter
from lora_mixer.mapping.placement import Placement, hints_of
from lora_mixer.mapping.report import Fate, LayerSummary, MappingReport, TensorEntry, count_sections
from lora_mixer.mapping.tensors import sane_throughout
from lora_mixer.tensors import Read, tensor_reader


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
    tensor = tensor_reader(parsed.file) if read is None else read
    assigned, nameless = assign(parsed, index, tensor)
    placed = Placement(entries=nameless)
    every_tensor_placed = not nameless and not parsed.unread  # a file to be refused is not read first
    sane = every_tensor_placed and sane_throughout(parsed.file, tensor)
    hints = hints_of(assigned, index)
    for group in assigned:
        placed.place(group, index, hints, sane=sane)
    placed.entries += [_entry_of(unread.key, unread.reason, harmless=unread.harmless) for unread in parsed.unread]
    bundled = place_embeddings(parsed, index, tensor)
    placed.entries += bundled.entries
    placed.words += bundled.embeddings
    judge(parsed, index, guess, placed, allow_partial=allow_partial)
    return MappedAdapter(
        name=name,
        digest=digest,
        family_guess=guess,
        layers=MappingProxyType(placed.layers),
        modules=MappingProxyType({name: index.modules[name] for name in placed.layers}),
        embeddings=MappingProxyType(bundled.embeddings),
        report=_report(name, parsed, index, guess, placed),
    )


def _entry_of(key: str, reason: str, *, harmless: bool) -> TensorEntry:
    return TensorEntry(key=key, fate=Fate.IGNORED if harmless else Fate.REJECTED, reason=reason)


def _report(
    name: str, parsed: ParsedAdapter, index: ModuleIndex, guess: FamilyGuess, placed: Placement
) -> MappingReport:
    layers = [
        LayerSummary(module=index.modules[at], kind=layer.kind.name, rank=layer.rank)
        for at, layer in placed.layers.items()
    ]
    return MappingReport(
        name=name,
        model=index.family.title,
        made_for=guess.sentence(),
        schemes=tuple(dict.fromkeys(group.scheme.name for group in parsed.groups if group.scheme)),
        entries=tuple(sorted(placed.entries, key=lambda entry: entry.key)),
        sections=count_sections(index, layers),
        embeddings=tuple(placed.words),
        scales=tuple(
            ScaleCount(value, source, modules) for (value, source), modules in Counter(placed.scales).most_common()
        ),
        remarks=parsed.remarks,
    )
