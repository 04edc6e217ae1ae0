"""Open an adapter file in either format."""

from __future__ import annotations

from pathlib import Path

from lora_mixer.files import PICKLE_SUFFIXES, open_tensor_file
from lora_mixer.keys import ParsedAdapter, parse_adapter
from lora_mixer.mapping.pickled import open_pickled
from lora_mixer.tensors import Read, tensor_reader


def open_adapter(path: Path) -> tuple[ParsedAdapter, Read]:
    """Return a file's keys, taken apart, and the function that gives its tensors.

    Raises:
        FileError: It is missing, broken, or reading it could run code.
        BrokenAdapterError: Two keys are two spellings of one tensor.
    """
    file = open_pickled(path) if path.suffix.lower() in PICKLE_SUFFIXES else open_tensor_file(path)
    return parse_adapter(file), tensor_reader(file)
