"""The models, adapters and embeddings available, by name. No torch, and no tensor is read."""

from __future__ import annotations

from lora_mixer.catalog.admitted import names_only
from lora_mixer.catalog.embedding_library import EmbeddingLibrary
from lora_mixer.catalog.file_digests import FileDigests
from lora_mixer.catalog.library import Library
from lora_mixer.catalog.lora_entry import LoraEntry
from lora_mixer.catalog.models_file import ModelsFile
from lora_mixer.catalog.places import packaged_text
from lora_mixer.catalog.read_models import load_models_file
from lora_mixer.catalog.same import SameAdapter, same_spelling
from lora_mixer.catalog.sidecar import Sidecar
from lora_mixer.catalog.upscaler_library import ADMITTED, UpscalerLibrary
from lora_mixer.catalog.walk import BrokenFile

__all__ = [
    "ADMITTED",
    "BrokenFile",
    "EmbeddingLibrary",
    "FileDigests",
    "Library",
    "LoraEntry",
    "ModelsFile",
    "SameAdapter",
    "Sidecar",
    "UpscalerLibrary",
    "load_models_file",
    "names_only",
    "packaged_text",
    "same_spelling",
]
