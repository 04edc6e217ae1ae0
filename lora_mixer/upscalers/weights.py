"""The weights of an upscaler's file, by the names its network knows them by."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from lora_mixer.errors import BrokenFileError
from lora_mixer.files import ADAPTER_LIMITS, PICKLE_SUFFIXES, Limits, PickledTensor, open_pickled_file, open_tensor_file
from lora_mixer.tensors import tensor_reader

SUFFIXES = frozenset({".safetensors", *PICKLE_SUFFIXES, ".pth"})
"""Endings of files that may hold an upscaler."""

WRAPPERS = ("params_ema", "params", "state_dict", "model_state_dict", "model", "net", "g_ema")
"""Tables that trainers put the weights into, the averaged ones first (BasicSR's `params_ema`)."""

_LIMITS = Limits(keys=ADAPTER_LIMITS.keys, integers=True, empty_tensors=False)


def read_weights(path: Path) -> tuple[Mapping[str, Tensor], ...]:
    """Return the weights as views into the file's map, whatever table they lie under: as named there, and without prefix.

    A prefix may be a wrapper's or the network's own (ESRGAN's modules all lie below `model`), so both are given.

    A pickle is never unpickled: its own words say where its tensors lie.

    Raises:
        FileError: The file is missing, broken or holds more than tensors.
    """
    if path.suffix.lower() == ".safetensors":
        file = open_tensor_file(path, limits=_LIMITS)
    else:
        content = open_pickled_file(path, limits=_LIMITS)
        file = content.table(_unwrapped(content.content), _LIMITS)
    read = tensor_reader(file)
    tensors = {key: read(info) for key, info in file.tensors.items()}
    if not tensors:
        raise BrokenFileError("it holds no weights", where=str(path), remedy="Download it again.")
    return tuple(_spellings(tensors))


def copy_weights(path: Path, copy: Path) -> None:
    """Write an upscaler's file as safetensors: byte for byte if it is one, else its tensors as they are stored.

    Raises:
        FileError: The file is missing, broken or holds more than tensors.
        OSError, SafetensorError: The copy cannot be written.
    """
    tensors, *_ = read_weights(path)
    if path.suffix.lower() == ".safetensors":
        shutil.copyfile(path, copy)
    else:
        save_file({key: value.clone() for key, value in tensors.items()}, copy, metadata={"format": "pt"})


def _unwrapped(state: object) -> dict[str, PickledTensor]:
    while isinstance(state, Mapping):
        inner = next((state[name] for name in WRAPPERS if isinstance(state.get(name), Mapping)), None)
        if inner is None:
            break
        state = inner
    named = state.items() if isinstance(state, Mapping) else ()
    return {key: value for key, value in named if isinstance(key, str) and isinstance(value, PickledTensor)}


def _spellings(tensors: Mapping[str, Tensor]) -> Iterator[Mapping[str, Tensor]]:
    """Yield the weights, and again without each prefix that all of them share: a wrapper's, or DataParallel's."""
    yield tensors
    for prefix in (*(f"{name}." for name in WRAPPERS), "module.", "netG."):
        if all(key.startswith(prefix) for key in tensors):
            yield from _spellings({key.removeprefix(prefix): value for key, value in tensors.items()})
