"""What a model's weights are called in a record: a sha256 over its files, computed once per file and run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path


def digest_of_files(files: Sequence[Path]) -> str:
    """Return the sha256 over the files' own sha256 in the given order; of a single file, that file's sha256."""
    digests = [_digest(file, stat.st_size, stat.st_mtime_ns) for file in files for stat in (file.stat(),)]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


@lru_cache(maxsize=256)
def _digest(file: Path, size: int, changed: int) -> str:
    """Return the file's sha256; `size` and `changed` make an edited file another entry of the cache."""
    del size, changed
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
