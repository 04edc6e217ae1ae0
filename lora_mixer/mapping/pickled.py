"""Adapters in torch's own format (`.pt`, `.ckpt`, `.bin`): described by their own words, never unpickled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from lora_mixer.errors import BrokenFileError
from lora_mixer.files import ADAPTER_LIMITS, PickledTensor, TensorFile, open_pickled_file

LARGEST = 4 << 30
"""Bytes; no adapter is larger."""

_EMBEDDING = "string_to_param"


def open_pickled(path: Path) -> TensorFile:
    """Return an adapter file in torch's format as a table of tensors, none of them read yet.

    Raises:
        MissingFileError: It is not there, or is no regular file.
        UnsafeFileError: It asks for anything but tensors and plain values, so unpickling it could run code.
        BrokenFileError: It is not such a file, too large, or holds no tensors by name.
    """
    file = open_pickled_file(path, limits=ADAPTER_LIMITS, at_most=LARGEST)
    tensors = dict(_tensors("", file.content))
    if not tensors:
        what, remedy = _instead(file.content)
        raise BrokenFileError(what, where=str(path), remedy=remedy)
    return file.table(tensors, ADAPTER_LIMITS)


def _tensors(head: str, value: object) -> Iterator[tuple[str, PickledTensor]]:
    """Yield tensors by key, those of a `state_dict` inside as if they stood outside."""
    if isinstance(value, PickledTensor) and head:
        yield head, value
    elif isinstance(value, Mapping) and head in {"", "state_dict"}:
        for key, inner in value.items():
            yield from _tensors(key if isinstance(key, str) else repr(key)[:80], inner)


def _instead(content: object) -> tuple[str, str]:
    """Return what a file without named tensors is, and what to do with it."""
    if isinstance(content, Mapping) and _EMBEDDING in content:
        return "this is a textual inversion embedding", "Put it into a folder of embeddings and name it in the prompt."
    if isinstance(content, list) and any(isinstance(value, PickledTensor) for value in content):
        return (
            f"its {len(content)} tensors stand in a list, without the names that say where they belong",
            "Convert it to .safetensors with the trainer that wrote it.",
        )
    return "there are no tensors by name in it", "Is it a LoRA?"
