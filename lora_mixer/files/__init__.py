"""Files as bytes: the safetensors header, checked before a tensor is read, and digests. No torch here."""

from __future__ import annotations

from lora_mixer.files.digests import EMPTY_SHA256, Digests, digest_file, sample_of
from lora_mixer.files.door import open_file, read_file
from lora_mixer.files.foreign import PICKLE_SUFFIXES
from lora_mixer.files.header import open_tensor_file
from lora_mixer.files.leases import Leases, reading
from lora_mixer.files.limits import ADAPTER_LIMITS, CHECKPOINT_LIMITS, Limits
from lora_mixer.files.peft_folder import CONFIG, FOLDER_STEMS, PEFT_PICKLE, adapter_in, config_beside
from lora_mixer.files.pickles import PickledFile, PickledTensor, open_pickled_file
from lora_mixer.files.seal import Seal, sealed
from lora_mixer.files.tensor_file import TensorFile, TensorInfo

__all__ = [
    "ADAPTER_LIMITS",
    "CHECKPOINT_LIMITS",
    "CONFIG",
    "EMPTY_SHA256",
    "FOLDER_STEMS",
    "PEFT_PICKLE",
    "PICKLE_SUFFIXES",
    "Digests",
    "Leases",
    "Limits",
    "PickledFile",
    "PickledTensor",
    "Seal",
    "TensorFile",
    "TensorInfo",
    "adapter_in",
    "config_beside",
    "digest_file",
    "open_file",
    "open_pickled_file",
    "open_tensor_file",
    "read_file",
    "reading",
    "sample_of",
    "sealed",
]
