"""The library pane's data: a card for every LoRA of the folders, and every file that cannot be used with the reason."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import lora_mixer
from lora_mixer.catalog import LoraEntry, Sidecar
from lora_mixer.families import Family
from lora_mixer_app.serving.favourites import Favourites
from lora_mixer_app.web.error_i18n import without_folders
from lora_mixer_app.web.loras import PLAIN_STRENGTH, LoraBrowser

WORDS = 6
"""Words offered for a LoRA: its triggers and what stands out beside them."""
SECONDS_BETWEEN_LOOKS = 2.0
SHARE_OF_LOOKING = 0.05
"""Of the time, at most: folders of a slow disk are looked at less often."""
SECONDS_OF_READING = 0.3
"""For headers that were never read, within one answer; whoever asks again gets the rest."""
_BRIEF = 240
_LONG = 4000


class _Notes(NamedTuple):
    """Notes beside a LoRA as they were read, and when those files were changed."""

    stamp: tuple[int, ...]
    sidecar: Sidecar


class LibraryPane:
    """What the pane shows. Thread-safe.

    Args:
        loras: The library, and what of it fits a model.
        favourites: Who likes which.
    """

    def __init__(self, loras: LoraBrowser, favourites: Favourites) -> None:
        self._loras = loras
        self._favourites = favourites
        self._notes: dict[Path, _Notes] = {}
        self._lock = threading.Lock()
        self._next_look = 0.0
        self._version = 0
        roots = loras.library.folders
        names = [root.name for root in roots]
        self._roots = {
            root: root.name if names.count(root.name) == 1 else f"{root.parent.name}/{root.name}" for root in roots
        }

    def listing(self, family: Family | None, *, owner: str = "", look: bool = False, known: str = "") -> dict[str, Any]:
        """Return all cards.

        Args:
            family: The open model's, which some LoRAs do not fit; None while it is not known.
            owner: Whose favourites are marked.
            look: Look at the folders now, whenever that was done last.
            known: The `stamp` of the listing that the page has.

        Returns:
            The `stamp` alone, and `same`, if nothing has changed since; else `loras` and `broken`, the `folders` they lie in, those that `take` new files, and whether more is `pending`:
            headers that were not read yet.
        """
        self._watch(now=look)
        library, liked = self._loras.library, self._favourites.of(owner)
        ready = {entry.path for entry in self._ready(library.entries)}
        told = (self._version, len(ready), hash(liked), family and family.name)
        stamp = sha256(repr(told).encode()).hexdigest()[:16]
        if stamp == known:
            return {"stamp": stamp, "same": True}
        cards = [
            self._card(entry, family if entry.path in ready else None, liked=str(entry.path) in liked)
            for entry in library.entries
        ]
        return {
            "stamp": stamp,
            "loras": cards,
            "broken": [
                {"file": row.path.name, "folder": self._folder(row.path), "reason": without_folders(row.reason)}
                for row in library.broken
            ],
            "folders": sorted({str(card["folder"]) for card in cards}, key=str.casefold),
            "takes": list(self.places()),
            "pending": len(ready) < len(cards),
        }

    def details(self, name: str, family: Family | None) -> dict[str, Any]:
        """Return all that is known of one LoRA.

        Raises:
            UnknownAdapterError, BrokenFileError: There is none of that name.
        """
        entry = self._loras.library.find(name, paths=False)
        notes = self._sidecar(entry)
        said = {} if entry.needs_weights_only else entry.metadata
        return self._card(entry, family, liked=False) | {
            "description": (notes.description or said.get("modelspec.description", ""))[:_LONG],
            "notes": notes.notes[:_LONG],
            "negative": notes.negative_text[:_LONG],
            "page": notes.page,
            "title": said.get("modelspec.title", "")[:_BRIEF],
            "author": said.get("modelspec.author", "")[:_BRIEF],
            "license": said.get("modelspec.license", "")[:_BRIEF],
            "problems": [without_folders(problem) for problem in notes.problems],
        }

    def like(self, name: str, *, liked: bool, owner: str = "") -> None:
        """Make a LoRA somebody's favourite, or no longer.

        Raises:
            UnknownAdapterError, BrokenFileError: There is none of that name.
            FileError: It cannot be kept.
        """
        self._favourites.set(self._loras.library.find(name, paths=False).path, liked=liked, owner=owner)

    def places(self) -> Mapping[str, Path]:
        """Return the folders that new files may go into, by their names: not those that come with the program."""
        own = [folder for folder in self._roots if not folder.is_relative_to(_PROGRAM)]
        below = {entry.path.parent for entry in self._loras.library.entries}
        found = [*own, *sorted(folder for folder in below if any(folder.is_relative_to(root) for root in own))]
        return {self._folder(folder / "x"): folder for folder in dict.fromkeys(found)}

    def preview(self, name: str) -> tuple[LoraEntry, Path | None]:
        """Return a LoRA, and the picture beside it.

        Raises:
            UnknownAdapterError, BrokenFileError: There is none of that name.
        """
        entry = self._loras.library.find(name, paths=False)
        return entry, entry.preview

    def _watch(self, *, now: bool) -> None:
        """Look at the folders again, if that is due."""
        with self._lock:
            began = time.monotonic()
            if now or began >= self._next_look:
                library = self._loras.library
                before = library.entries, library.broken
                library.refresh()
                if now or before != (library.entries, library.broken):
                    self._version += 1
                ended = time.monotonic()
                self._next_look = ended + max(SECONDS_BETWEEN_LOOKS, (ended - began) / SHARE_OF_LOOKING)

    def _ready(self, entries: tuple[LoraEntry, ...]) -> Iterator[LoraEntry]:
        """Yield the LoRAs whose headers were read; read those of others for as long as an answer may take."""
        until = time.monotonic() + SECONDS_OF_READING
        for entry in entries:
            if self._loras.is_read(entry) or time.monotonic() < until:
                yield entry

    def card(self, name: str, family: Family | None) -> dict[str, Any]:
        """Return what is shown of one LoRA.

        Raises:
            UnknownAdapterError, BrokenFileError: There is none of that name.
        """
        return self._card(self._loras.library.find(name), family, liked=False)

    def _card(self, entry: LoraEntry, family: Family | None, *, liked: bool) -> dict[str, Any]:
        notes = self._sidecar(entry)
        fit = None if family is None else self._loras.fit(entry, family)
        words = [notes.activation_text, *notes.trained_words, *entry.trained_words]
        return {
            "name": entry.name,
            "file": entry.path.name,
            "folder": self._folder(entry.path),
            "date": entry.mtime_ns // 10**6,
            "size": entry.size,
            "base": (fit.badge if fit else "") or notes.base or entry.base_hint or "",
            "unfit": without_folders(fit.reason) if fit and fit.reason else None,
            "texts": fit is None or fit.texts,
            "words": list(dict.fromkeys(filter(None, words)))[:WORDS],
            "strength": PLAIN_STRENGTH if notes.preferred_weight is None else notes.preferred_weight,
            "range": None if notes.strength_range is None else list(notes.strength_range),
            "description": " ".join(notes.description.split())[:_BRIEF],
            "favourite": liked,
            "stamp": f"{entry.mtime_ns:x}-{_changed(entry.preview):x}",
        }

    def _sidecar(self, entry: LoraEntry) -> Sidecar:
        stamp = tuple(map(_changed, entry.notes))
        known = self._notes.get(entry.path)
        if known is None or known.stamp != stamp:
            known = self._notes[entry.path] = _Notes(stamp, entry.sidecar)
        return known.sidecar

    def _folder(self, path: Path) -> str:
        """Return the folder of a file as it is shown: from the root on that it was found below."""
        for root, name in self._roots.items():
            if path.is_relative_to(root):
                return (Path(name) / path.relative_to(root)).parent.as_posix()
        return path.parent.name


_PROGRAM = Path(lora_mixer.__file__).resolve().parent


def _changed(path: Path | None) -> int:
    try:
        return 0 if path is None else path.stat().st_mtime_ns
    except OSError:
        return 0
