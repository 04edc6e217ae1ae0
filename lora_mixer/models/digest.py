"""Digests that identify a model's files in records."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from lora_mixer.files import digest_file

Sha256 = Callable[[Path], str]
"""Returns a file's sha256."""


def sha256_of(path: Path) -> str:
    """Return a file's sha256, hashed once a run."""
    return digest_file(path).sha256


def digest_of_settings(files: Sequence[Path]) -> str:
    """Return the sha256 over small files, each hashed whole, with their names and those of their folders."""
    rows = sorted(f"{file.parent.name}/{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def digest_of_files(files: Sequence[Path], sha256: Sha256 = sha256_of) -> str:
    """Return the sha256 over the files' own sha256 in the given order; of a single file, that file's sha256."""
    digests = [sha256(file) for file in files]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
