"""Embedding files, in every form they come in."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor, nn

from lora_mixer.conditioning.embeddings import EmbeddingVectors
from lora_mixer.errors import BrokenFileError, MissingFileError, UnsafeFileError
from lora_mixer.files import PICKLE_SUFFIXES, open_tensor_file
from lora_mixer.mapping.tensors import tensor_reader

SDXL_KEYS = MappingProxyType({"clip_l": "te1", "clip_g": "te2"})
_MAX_PICKLE = 64 * 2**20
_NESTED = "string_to_param"  # what A1111's trainer calls the table of vectors


def load_embedding(path: Path) -> EmbeddingVectors:
    """Return the embedding of a `.safetensors`, `.pt` or `.bin` file; its name is the file's.

    Read are A1111's `string_to_param`, a lone tensor of any name (`emb_params`, `<token>`), and SDXL's pair of
    `clip_l` and `clip_g`. A pickle is read by torch's restricted unpickler only.

    Raises:
        FileError: The file is missing, broken, holds no embedding, or could run code.
    """
    pickled = path.suffix.lower() in PICKLE_SUFFIXES
    tensors = _unpickled(path) if pickled else _tensors(path)
    return embedding_of(tensors, name=path.stem, where=str(path))


def embedding_of(tensors: Mapping[str, Tensor], *, name: str, where: str) -> EmbeddingVectors:
    """Return the embedding that these tensors are.

    Raises:
        BrokenFileError: They are none.
    """
    pair = {part: tensors[key] for key, part in SDXL_KEYS.items() if key in tensors}
    if len(pair) == 2:
        vectors = pair
    elif len(tensors) == 1:
        vectors = {"te1": next(iter(tensors.values()))}
    else:
        found = ", ".join(list(tensors)[:5]) or "nothing"
        raise BrokenFileError(
            f"this is no embedding: it holds {found}",
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
        raise BrokenFileError(f"this is no embedding: a tensor of shape {tuple(tensor.shape)}", where=where)
    vectors = vectors.float()
    if not bool(torch.isfinite(vectors).all()):
        raise BrokenFileError("the embedding holds values that are not finite", where=where)
    return vectors


def _tensors(path: Path) -> dict[str, Tensor]:
    file = open_tensor_file(path)
    read = tensor_reader(file)
    return {key.removeprefix(f"{_NESTED}."): read(info) for key, info in file.tensors.items()}


def _unpickled(path: Path) -> dict[str, Tensor]:
    where = str(path)
    if not path.is_file():
        raise MissingFileError("there is no such file", where=where)
    if path.stat().st_size > _MAX_PICKLE:
        raise BrokenFileError("the file is too large for an embedding", where=where, remedy="Is it a checkpoint?")
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals([nn.ParameterDict]):
            warnings.simplefilter("ignore")  # it remarks on old pickles, which are read or refused all the same
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UnsafeFileError(
            "reading this pickle could run code", where=where, remedy="Take the .safetensors version of it."
        ) from error
    except (EOFError, OSError, RuntimeError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise BrokenFileError("this is no file of torch.save", where=where, remedy="Download it again.") from error
    table = loaded.get(_NESTED, loaded) if isinstance(loaded, dict) else {}
    table = dict(table.items()) if hasattr(table, "items") else {}
    return {str(key): value for key, value in table.items() if isinstance(value, Tensor)}
