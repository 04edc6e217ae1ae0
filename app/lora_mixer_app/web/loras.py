"""What the page knows of each LoRA: whether it fits a model, and why not; its words and strengths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lora_mixer.catalog import Library, LoraEntry
from lora_mixer.errors import AdapterError, FileError, LoraMixerError
from lora_mixer.families import Family
from lora_mixer.files import open_tensor_file
from lora_mixer.keys import FamilyGuess, parse_adapter, tell_family

PLAIN_STRENGTH = 0.8
_TEXT = re.compile(r"(^|[._])(te\d?|text_encoder|text_model|cond_stage_model|conditioner|clip_[lg])([._\d]|$)")
"""In the names of text encoders' modules, in every scheme."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Whether a LoRA fits a model.

    Attributes:
        badge: The base family in a word; empty if nothing tells it.
        reason: Why it does not fit; None if nothing speaks against it.
        texts: Whether it has a part for a text encoder, as far as its names tell.
    """

    badge: str = ""
    reason: str | None = None
    texts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What a file's header tells, whatever model it shall be used with."""

    guess: FamilyGuess | None = None
    problem: str | None = None
    texts: bool = True


class LoraBrowser:
    """The library as the page shows it; the headers of what is shown are read, and remembered.

    Args:
        library: The library.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self._told: dict[tuple[Path, int], _Told] = {}

    @property
    def folders(self) -> tuple[str, ...]:
        """The names of the folders that hold LoRAs."""
        return tuple(sorted({entry.path.parent.name for entry in self.library.entries}))

    def search(self, text: str, folder: str | None) -> tuple[LoraEntry, ...]:
        """Return the LoRAs of a folder (or of all) whose names or words hold all the words of a text."""
        wanted = text.casefold().split()
        return tuple(
            entry
            for entry in self.library.entries
            if (not folder or entry.path.parent.name == folder) and all(word in _words(entry) for word in wanted)
        )

    def knows(self, name: str) -> bool:
        """Return whether there is a LoRA of a name."""
        try:
            self.library.find(name)
        except (AdapterError, FileError):
            return False
        return True

    def is_read(self, entry: LoraEntry) -> bool:
        """Return whether a LoRA's header was read already, so that `fit` answers at once."""
        return (entry.path, entry.mtime_ns) in self._told

    def fit(self, entry: LoraEntry, family: Family) -> Fit:
        """Return whether a LoRA fits a model's family, told from its header."""
        key = (entry.path, entry.mtime_ns)
        if key not in self._told:
            self._told[key] = _read(entry)
        return _fit(self._told[key], family)


def _read(entry: LoraEntry) -> _Told:
    if entry.needs_weights_only:
        return _Told()
    try:
        parsed = parse_adapter(open_tensor_file(entry.path))
        guess = tell_family(parsed)
    except LoraMixerError as error:
        return _Told(problem=error.what)
    texts = bool(parsed.embeddings) or any(_TEXT.search(group.module) for group in parsed.groups)
    refused = f"it is {parsed.refused.title}, which cannot be applied as a LoRA" if parsed.refused is not None else None
    return _Told(guess=guess, problem=refused, texts=texts)


def _fit(told: _Told, family: Family) -> Fit:
    guess = told.guess
    if guess is None:
        return Fit(reason=told.problem)
    badge = guess.other or (guess.family.name if guess.family else "")
    unfit = None if guess.fits(family) else guess.sentence()
    return Fit(badge=badge, reason=told.problem or unfit, texts=told.texts)


def _words(entry: LoraEntry) -> str:
    return " ".join((entry.name, entry.alias or "", *entry.trained_words)).casefold()
