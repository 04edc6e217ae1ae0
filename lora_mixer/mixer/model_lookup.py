"""Find a picture's model by the digest of its weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lora_mixer.catalog import FileDigests, ModelsFile
from lora_mixer.images import ModelRecord
from lora_mixer.models import digest_of_files, files_of
from lora_mixer.request import ModelSource

SUFFIXES = frozenset({".safetensors", ".ckpt"})


def find_model(record: ModelRecord, models_file: ModelsFile) -> str | None:
    """Return the local name or path of a record's weights, or None.

    Models of models.toml are tried first, beginning with the recorded name, then files beside them. Digests are cached,
    so only new files are read.
    """
    digests = FileDigests()
    for name, source in _candidates(record.name, models_file):
        files = files_of(source)
        if files and digest_of_files(files, digests.sha256) == record.sha256:
            return name
    return None


def _candidates(wanted: str, models_file: ModelsFile) -> Iterator[tuple[str, ModelSource]]:
    named = sorted(models_file.models.items(), key=lambda item: item[0] != wanted)
    yield from named
    known = {Path(source.location) for _, source in named}
    beside = {
        file
        for path in known
        if path.suffix in SUFFIXES and path.parent.is_dir()
        for file in path.parent.iterdir()
        if file.suffix in SUFFIXES and file.is_file()
    }
    for file in sorted(beside - known, key=lambda file: (file.stem != wanted, file)):
        yield str(file), ModelSource(name=file.stem, location=str(file))
