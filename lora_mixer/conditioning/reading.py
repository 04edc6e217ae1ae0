"""Read embedding files in every known format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from lora_mixer.conditioning.embeddings import EmbeddingVectors
from lora_mixer.errors import BrokenFileError
from lora_mixer.families import text_encoders, text_parts
from lora_mixer.files import (
    ADAPTER_LIMITS,
    PICKLE_SUFFIXES,
    PickledTensor,
    TensorFile,
    open_pickled_file,
    open_tensor_file,
    reading,
)
from lora_mixer.tensors import tensor_reader

LARGEST = 64 * 2**20
"""Bytes; no embedding is larger."""

_NESTED = "string_to_param"  # what A1111's trainer calls the table of vectors


def load_embedding(path: Path) -> EmbeddingVectors:
    """Return the embedding of a `.safetensors`, `.pt` or `.bin` file; its name is the file's.

    Supported are A1111's `string_to_param`, a lone tensor of any name (`emb_params`, `<token>`), and SDXL's pair of
    `clip_l` and `clip_g` or `text_encoders_0` and `text_encoders_1`. A pickle is parsed, never executed.

    Raises:
        FileError: The file is missing, broken, holds no embedding, or could run code.
    """
    with reading(path):
        file = _opened(path)
        read = tensor_reader(file)
        tensors = {key.removeprefix(f"{_NESTED}."): read(info) for key, info in file.tensors.items()}
        found = embedding_of(tensors, name=path.stem, where=str(path))
        vectors = {part: vectors.clone() for part, vectors in found.vectors.items()}  # they outlive their file
    return replace(found, vectors=vectors)


def embedding_of(tensors: Mapping[str, Tensor], *, name: str, where: str) -> EmbeddingVectors:
    """Build an embedding from tensors.

    Raises:
        BrokenFileError: They form no embedding.
    """
    keys = {key: encoder.part for encoder in text_encoders() for key in encoder.embeddings}
    pair = {part: tensors[key] for key, part in keys.items() if key in tensors}
    if outputs := [key for key in tensors if key.endswith("_out") and key.removesuffix("_out") in keys]:
        raise BrokenFileError(
            f"{outputs[0]} takes the place of what a text encoder gives (OneTrainer's output embedding), which is not "
            "applied here",
            where=where,
            remedy="Train it as an input embedding.",
        )
    if pair and len(pair) == len(tensors):
        vectors = pair
    elif len(tensors) == 1:
        vectors = {text_parts()[0]: next(iter(tensors.values()))}
    else:
        found = ", ".join(list(tensors)[:5]) or "nothing"
        raise BrokenFileError(
            f"this is not an embedding: it holds {found}",
            where=where,
            remedy="An embedding is one tensor, or clip_l and clip_g.",
        )
    vectors = {part: _checked(tensor, where) for part, tensor in vectors.items()}
    if len({len(tensor) for tensor in vectors.values()}) != 1:
        raise BrokenFileError("clip_l and clip_g have different numbers of vectors", where=where)
    return EmbeddingVectors(name=name, vectors=vectors)


def _checked(tensor: Tensor, where: str) -> Tensor:
    vectors = tensor.detach().reshape(1, -1) if tensor.ndim == 1 else tensor.detach()
    if vectors.ndim != 2 or not vectors.numel() or not vectors.is_floating_point():
        raise BrokenFileError(f"this is not an embedding: a tensor of shape {tuple(tensor.shape)}", where=where)
    vectors = vectors.float()
    if not bool(torch.isfinite(vectors).all()):
        raise BrokenFileError("the embedding holds values that are not finite", where=where)
    return vectors


def _opened(path: Path) -> TensorFile:
    if path.suffix.lower() not in PICKLE_SUFFIXES:
        return open_tensor_file(path, at_most=LARGEST)
    file = open_pickled_file(path, limits=ADAPTER_LIMITS, at_most=LARGEST)
    table = file.content.get(_NESTED, file.content) if isinstance(file.content, Mapping) else {}
    table = table if isinstance(table, Mapping) else {}
    tensors = {_text(key): value for key, value in table.items() if isinstance(value, PickledTensor)}
    return file.table(tensors, ADAPTER_LIMITS)


def _text(key: object) -> str:
    return key if isinstance(key, str) else repr(key)[:80]
