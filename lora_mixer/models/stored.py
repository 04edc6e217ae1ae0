"""The dtype a model's weights have in its files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lora_mixer.files import CHECKPOINT_LIMITS, PICKLE_SUFFIXES, open_tensor_file
from lora_mixer.models.folder import folder_files

_SINGLE_FILE_VAE = "first_stage_model."
_HALF = {"F16": "float16", "BF16": "bfloat16", "F8_E4M3": "float16", "F8_E5M2": "float16"}
"""Whose numbers fit into sixteen bits, and into which."""


def stored_dtype(place: Path) -> str:
    """Return the narrowest dtype that holds the weights of a model's denoiser and text encoders as its files have them.

    Pickled checkpoints are taken for float32, which holds them all.

    Raises:
        FileError: A file cannot be read.
    """
    if place.suffix.lower() in PICKLE_SUFFIXES:
        return "float32"
    found = {_HALF.get(dtype, "float32") for dtype in _dtypes(place)}
    return found.pop() if len(found) == 1 else "float32"


def _dtypes(place: Path) -> Iterator[str]:
    files = (place,) if place.is_file() else tuple(f for f in folder_files(place) if f.parent.name != "vae")
    for file in files:
        for key, info in open_tensor_file(file, limits=CHECKPOINT_LIMITS).tensors.items():
            if len(info.shape) > 1 and not key.startswith(_SINGLE_FILE_VAE):
                yield info.dtype
