"""Textual inversions inside an adapter file: which words a model can use, and why not the others.

Source: OneTrainer `modules/modelSaver/mixin/LoRASaverMixin.py` and `modules/modelSaver/stableDiffusion/StableDiffusionLoRASaver.py`
(`bundle_emb.WORD.clip_l`, and `clip_l_out` for vectors that take the place of the text encoder's output), A1111
`extensions-builtin/Lora/networks.py` (`bundle_emb.WORD.string_to_param.*`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lora_mixer.errors import BrokenAdapterError
from lora_mixer.families import ModuleIndex, text_encoders
from lora_mixer.keys import ParsedAdapter
from lora_mixer.mapping.report import Fate, TensorEntry
from lora_mixer.modules import ModuleName
from lora_mixer.tensors import Read

LONGEST = 75
"""Vectors; no more tokens fit into a chunk of CLIP's."""

_OUT = "_out"
_TABLE = "text_model.embeddings.token_embedding"


@dataclass(slots=True)
class Bundled:
    """Embeddings by prompt word and field, and an entry for every tensor of one."""

    embeddings: dict[str, Mapping[str, Tensor]] = field(default_factory=dict)
    entries: list[TensorEntry] = field(default_factory=list)


def place_embeddings(parsed: ParsedAdapter, index: ModuleIndex, read: Read) -> Bundled:
    """Return the embeddings of a file that a model can use; each other tensor is rejected with the reason.

    Raises:
        BrokenAdapterError: A vector holds values that are no finite numbers.
    """
    found = Bundled()
    for word, keys in parsed.embeddings.items():
        reasons = {name: _misfit(name, parsed.file.tensors[key].shape, index) for name, key in keys.items()}
        whole = _incomplete(keys, parsed, index) if not any(reasons.values()) else "the rest of its word has no place"
        for name, key in keys.items():
            reason = reasons[name] or whole
            found.entries.append(
                TensorEntry(key=key, fate=Fate.REJECTED if reason else Fate.APPLIED, reason=reason or "")
            )
        if not whole:
            found.embeddings[word] = {name: _vectors(key, parsed, read) for name, key in keys.items()}
    return found


def _misfit(name: str, shape: tuple[int, ...], index: ModuleIndex) -> str | None:
    """Return why one tensor of an embedding has no place on a model, or None."""
    if name.endswith(_OUT):
        return (
            "it takes the place of what a text encoder gives (OneTrainer's output embedding), which is not applied here"
        )
    part = _part(name, index)
    spec = None if part is None else index.modules.get(ModuleName(part, _TABLE))
    if spec is None:
        return f"the model has no text encoder for {name}"
    if len(shape) not in {1, 2}:
        return f"vectors of shape {list(shape)} are no embedding"
    if shape[-1] != spec.weight[1]:
        return f"it is {shape[-1]:,} wide, the model's text encoder {spec.weight[1]:,}"
    if len(shape) == 2 and shape[0] > LONGEST:
        return f"it has {shape[0]:,} vectors, and {LONGEST} fit into a chunk"
    return None


def _part(name: str, index: ModuleIndex) -> str | None:
    """Return the text encoder that a field's vectors are for; one of no encoder's name is for the first."""
    known = {field: encoder.part for encoder in text_encoders() for field in encoder.embeddings}
    first = next(iter(index.family.text_encoders), None)
    return known.get(name, first.part if first else None)


def _incomplete(keys: Mapping[str, str], parsed: ParsedAdapter, index: ModuleIndex) -> str | None:
    """Return why tensors that have a place each make no embedding together, or None."""
    parts = [_part(name, index) for name in keys]
    encoders = {
        encoder.part for encoder in index.family.text_encoders if ModuleName(encoder.part, _TABLE) in index.modules
    }
    if len(set(parts)) != len(parts):
        return f"{', '.join(keys)} are several embeddings of one word"
    if missing := sorted(encoders - set(parts)):
        return f"it has no vectors for the text encoder {missing[0]}"
    shapes = [parsed.file.tensors[key].shape for key in keys.values()]
    if len({shape[0] if len(shape) == 2 else 1 for shape in shapes}) > 1:
        return "its tensors have different numbers of vectors"
    return None


def _vectors(key: str, parsed: ParsedAdapter, read: Read) -> Tensor:
    """Return the vectors of a textual inversion."""
    vectors = read(parsed.file.tensors[key])
    if not vectors.is_floating_point() or not bool(torch.isfinite(vectors.float()).all()):
        raise BrokenAdapterError(
            "an embedding with values that are no finite numbers", where=f"{parsed.file.path}: {key}"
        )
    return vectors
