"""One adapter of the library: what is known of it without reading a tensor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lora_mixer.catalog.facts import FactsBook
from lora_mixer.catalog.sidecar import Sidecar, read_sidecar
from lora_mixer.files import PICKLE_SUFFIXES, Digests, open_tensor_file


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraEntry:
    """An adapter file.

    Attributes:
        name: The shortest name that means this file and no other.
        path: The file.
        size: Its size in bytes.
        mtime_ns: When it was last changed, in nanoseconds.
        alias: The name its trainer gave it (`ss_output_name`).
        trained_words: Its trigger phrase and the words it was trained on, the most frequent first.
        base_hint: The base family its metadata claim; its tensors decide.
        claimed_digests: The digests its metadata claim, which prove nothing.
        notes: The files beside it that describe it.
        preview: The picture beside it.
    """

    name: str
    path: Path
    size: int
    mtime_ns: int
    alias: str | None = None
    trained_words: tuple[str, ...] = ()
    base_hint: str | None = None
    claimed_digests: tuple[str, ...] = ()
    notes: tuple[Path, ...] = ()
    preview: Path | None = None
    book: FactsBook = field(repr=False, compare=False)

    @property
    def needs_weights_only(self) -> bool:
        """Whether this is a pickle (`.pt`, `.ckpt`), which nothing unpickles."""
        return self.path.suffix.lower() in PICKLE_SUFFIXES

    @property
    def metadata(self) -> Mapping[str, str]:
        """The metadata as written, read from the file anew; empty for a pickle.

        Raises:
            FileError: The file is gone or broken.
        """
        return {} if self.needs_weights_only else open_tensor_file(self.path).metadata

    @property
    def sidecar(self) -> Sidecar:
        """What its owner wrote beside it, read anew."""
        return read_sidecar(self.notes)

    @property
    def digests(self) -> Digests:
        """Its digests: hashed once, then remembered across runs until the file changes.

        Raises:
            MissingFileError: The file is gone.
        """
        return self.book.digests(self.path)
