"""The library of adapters: folders of thousands of files, found by name, alias or digest."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from lora_mixer.catalog.admitted import admitted_files
from lora_mixer.catalog.facts import Facts, FactsBook, Stamp, stamp_of
from lora_mixer.catalog.lora_entry import LoraEntry
from lora_mixer.catalog.nearest import did_you_mean
from lora_mixer.catalog.spellings import spell
from lora_mixer.catalog.store import default_cache
from lora_mixer.catalog.walk import BrokenFile, FoundFile, walk
from lora_mixer.errors import BrokenFileError, UnknownAdapterError
from lora_mixer.files import PEFT_PICKLE, adapter_in

ADAPTER_SUFFIXES = frozenset({".ckpt", ".pt", ".safetensors"})
_ENDINGS = (*sorted(ADAPTER_SUFFIXES), PEFT_PICKLE)
HASH_BUDGET = 16 * 1024**3  # bytes read by one search for a digest; the next search goes on where it ended
_DIGEST = re.compile(r"[0-9a-fA-F]{8}|[0-9a-fA-F]{10}|[0-9a-fA-F]{12}|[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shelf:
    """A snapshot of the library."""

    entries: tuple[LoraEntry, ...]
    by_spelling: Mapping[str, tuple[LoraEntry, ...]]
    by_alias: Mapping[str, tuple[LoraEntry, ...]]
    broken: tuple[BrokenFile, ...]


class Library:
    """Adapters in folders and subfolders. Thread-safe.

    Args:
        folders: Where to look; missing folders count as empty.
        cache: The SQLite cache of facts; None for the one in the user's cache folder.
        paths: Whether `find` also takes a path to a file elsewhere. A server that is sent names by strangers
            sets this to False.
    """

    def __init__(self, folders: Iterable[str | Path], *, cache: Path | None = None, paths: bool = True) -> None:
        self._folders = tuple(Path(folder).expanduser().resolve() for folder in folders)
        self._book = FactsBook(default_cache() if cache is None else cache, self._folders)
        self._paths = paths
        self._lock = threading.Lock()
        self._shelf = self._scan()

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where it looks, whether the folders are there or not."""
        return self._folders

    @property
    def entries(self) -> tuple[LoraEntry, ...]:
        """The usable adapters, by name."""
        return self._shelf.entries

    @property
    def broken(self) -> tuple[BrokenFile, ...]:
        """The unusable files, each with the reason."""
        return self._shelf.broken

    @property
    def clashes(self) -> Mapping[str, tuple[LoraEntry, ...]]:
        """The file names without suffix that several adapters share; each is called by its longer `name`."""
        stems = {entry.path.stem for entry in self.entries}
        shared = ((stem, self._shelf.by_spelling[stem]) for stem in sorted(stems))
        return MappingProxyType({stem: entries for stem, entries in shared if len(entries) > 1})

    def refresh(self) -> None:
        """Rescan the folders, opening only new and changed files."""
        with self._lock:
            self._shelf = self._scan()

    def find(self, name: str | Path, *, paths: bool = True) -> LoraEntry:
        """Find an adapter by name.

        Args:
            name: A file name with or without suffix, `folder/name`, the name its trainer gave it, a digest (8, 10,
                12 or 64 hex digits), or the path of a file, tried in this order.
            paths: Whether it may be the path of a file elsewhere, where the library takes any; say no to a name that
                stood in a picture.

        Raises:
            UnknownAdapterError: There is none, or there are several; the nearest or all of them are named.
            BrokenFileError: There is one, but it cannot be used; another one of its name does not stand in for it.
        """
        text = str(name)
        admitted = admitted_files()
        if admitted is not None and text in admitted:
            return self._given(admitted[text])
        paths = paths and admitted is None and self._paths
        hits = self._hits(text)
        if len(hits) != 1 or stamp_of(hits[0].path) != (hits[0].size, hits[0].mtime_ns):
            self.refresh()
            hits = self._hits(text)
        rival = self._broken_of(text)
        if hits and rival is not None and rival.path.suffix.lower() in ADAPTER_SUFFIXES:
            raise BrokenFileError(
                f"{len(hits) + 1} LoRAs are called {text[:200]!r}, and this one cannot be used: {rival.reason.rstrip('.')}",
                where=str(rival.path),
                remedy=f"Mend or remove it, or say which: {', '.join(hit.path.as_posix() for hit in hits)}.",
            )
        if len(hits) == 1:
            return hits[0]
        if hits:
            raise _ambiguous(text, hits)
        return self._elsewhere(text, paths=paths)

    def _hits(self, text: str) -> tuple[LoraEntry, ...]:
        shelf = self._shelf
        slashed = text.replace("\\", "/")  # a path as Windows spells it
        return shelf.by_spelling.get(text) or shelf.by_spelling.get(slashed) or shelf.by_alias.get(text, ())

    def _broken_of(self, text: str) -> BrokenFile | None:
        return next((b for b in self.broken if text in {b.path.stem, b.path.name, b.path.as_posix()}), None)

    def _elsewhere(self, text: str, *, paths: bool) -> LoraEntry:
        """Look for a broken file of that name, a digest, or a file outside the folders."""
        broken = self._broken_of(text)
        if broken is not None:
            raise BrokenFileError(f"this adapter cannot be used: {broken.reason}", where=str(broken.path))
        unread = 0
        if _DIGEST.fullmatch(text):
            found, unread = self._by_digest(text)
            if found is not None:
                return found
        outside = self._at_path(text) if paths else None
        if outside is not None:
            return outside
        names = [entry.name for entry in self.entries] + list(self._shelf.by_alias)
        raise UnknownAdapterError(
            f"there is no LoRA called {text[:200]!r} among {len(self.entries):,}"
            + (f" ({unread:,} of them not hashed yet)" if unread else ""),
            remedy=did_you_mean(text, names, otherwise="Check the name, and the LoRA folders in models.toml."),
        )

    def _given(self, path: Path) -> LoraEntry:
        """Return the adapter of a given file."""
        found = self._at_path(str(path))
        if found is None:
            raise UnknownAdapterError("this is not an adapter file", where=str(path))
        return found

    def _by_digest(self, digest: str) -> tuple[LoraEntry | None, int]:
        """Return the adapter of a digest, and how many were left unhashed to keep the search bounded.

        What is known goes first, then files whose metadata claim the digest, then the small ones: a claim only
        decides which file is hashed.
        """
        unread: list[LoraEntry] = []
        for entry in self.entries:
            known = self._book.known_digests(entry.path)
            if known is None:
                unread.append(entry)
            elif known.matches(digest):
                return entry, 0
        unread.sort(key=lambda e: (not any(c.startswith(digest.lower()) for c in e.claimed_digests), e.size))
        budget = HASH_BUDGET
        for count, entry in enumerate(unread):
            if entry.size > budget:
                return None, len(unread) - count
            budget -= entry.size
            if entry.digests.matches(digest):
                return entry, 0
        return None, 0

    def _at_path(self, text: str) -> LoraEntry | None:
        path = _whole_path(Path(text))
        if not path.name.lower().endswith(_ENDINGS):
            return None
        stamp = stamp_of(path)
        if stamp is None or not path.is_file():
            return None
        found = FoundFile(path=path, root=path.parent, size=stamp.size, mtime_ns=stamp.mtime_ns)
        facts = self._book.facts([(path, stamp)])[path]
        if facts.problem is not None:
            raise BrokenFileError(f"this adapter cannot be used: {facts.problem}", where=str(path))
        return self._entry(path.as_posix(), found, facts)

    def _scan(self) -> _Shelf:
        found, broken = walk(self._folders, _ENDINGS)
        found = _without_twins(found)
        facts = self._book.facts((file.path, Stamp(file.size, file.mtime_ns)) for file in found)
        usable = [file for file in found if facts[file.path].problem is None]
        self._book.forget_all_but(facts, self._folders)
        spellings = spell((file.path, file.root) for file in usable)
        entries = {file.path: self._entry(spellings.names[file.path], file, facts[file.path]) for file in usable}
        return _Shelf(
            entries=tuple(sorted(entries.values(), key=lambda entry: entry.name.casefold())),
            by_spelling={text: tuple(entries[path] for path in paths) for text, paths in spellings.files.items()},
            by_alias=_by_alias(entries.values()),
            broken=(*broken, *_problems(found, facts)),
        )

    def _entry(self, name: str, file: FoundFile, facts: Facts) -> LoraEntry:
        return LoraEntry(
            name=name,
            path=file.path,
            size=file.size,
            mtime_ns=file.mtime_ns,
            alias=facts.alias,
            trained_words=facts.words,
            base_hint=facts.base,
            claimed_digests=facts.claims,
            notes=file.notes,
            preview=file.preview,
            book=self._book,
        )


def _whole_path(path: Path) -> Path:
    """Return an absolute path, of a folder that PEFT or diffusers saved the one of its adapter file."""
    path = path.absolute()
    try:
        return adapter_in(path) or path if path.is_dir() else path
    except (OSError, ValueError):
        return path


def _without_twins(found: list[FoundFile]) -> list[FoundFile]:
    """Leave out PEFT's pickles that lie beside the same tensors as safetensors."""
    paths = {file.path for file in found}
    return [
        file for file in found if file.path.name != PEFT_PICKLE or file.path.with_suffix(".safetensors") not in paths
    ]


def _by_alias(entries: Iterable[LoraEntry]) -> dict[str, tuple[LoraEntry, ...]]:
    table: dict[str, tuple[LoraEntry, ...]] = {}
    for entry in entries:
        if entry.alias is not None:
            table[entry.alias] = (*table.get(entry.alias, ()), entry)
    return table


def _problems(found: Iterable[FoundFile], facts: Mapping[Path, Facts]) -> Iterator[BrokenFile]:
    for file in found:
        problem = facts[file.path].problem
        if problem is not None:
            yield BrokenFile(path=file.path, reason=problem)


def _ambiguous(text: str, hits: tuple[LoraEntry, ...]) -> UnknownAdapterError:
    names = ", ".join(sorted(entry.name for entry in hits))
    return UnknownAdapterError(f"{len(hits)} LoRAs are called {text[:200]!r}", remedy=f"Say which: {names}.")
