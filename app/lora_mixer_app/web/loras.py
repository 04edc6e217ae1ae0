"""What the page knows of each LoRA: whether it fits a model, and why not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lora_mixer.catalog import Library, LoraEntry
from lora_mixer.errors import AdapterError, FileError, LoraMixerError
from lora_mixer.families import Family
from lora_mixer.files import open_tensor_file
from lora_mixer.keys import parse_adapter, tell_family

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


class LoraBrowser:
    """The library as the page shows it; the headers of what is shown are read, and remembered.

    Args:
        library: The library.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self._fits: dict[tuple[Path, int, Family], Fit] = {}

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

    def fit(self, entry: LoraEntry, family: Family) -> Fit:
        """Return whether a LoRA fits a model's family, told from its header."""
        key = (entry.path, entry.mtime_ns, family)
        if key not in self._fits:
            self._fits[key] = _fit(entry, family)
        return self._fits[key]


def preferred(entry: LoraEntry) -> float:
    """Return the strength a LoRA begins with: its owner's, or a moderate one."""
    weight = entry.sidecar.preferred_weight
    return PLAIN_STRENGTH if weight is None else weight


def chips(entry: LoraEntry, most: int) -> tuple[str, ...]:
    """Return the words to offer beside a LoRA: its owner's activation text, then what it was trained on."""
    activation = entry.sidecar.activation_text
    return tuple(dict.fromkeys(([activation] if activation else []) + list(entry.trained_words)))[:most]


def _fit(entry: LoraEntry, family: Family) -> Fit:
    if entry.needs_weights_only:
        return Fit()
    try:
        parsed = parse_adapter(open_tensor_file(entry.path))
        guess = tell_family(parsed)
    except LoraMixerError as error:
        return Fit(reason=error.what)
    badge = guess.other or (guess.family.name if guess.family else "")
    texts = bool(parsed.embeddings) or any(_TEXT.search(group.module) for group in parsed.groups)
    reason = None if guess.fits(family) else guess.sentence()
    if parsed.refused is not None:
        reason = f"it is {parsed.refused.title}, which cannot be applied as a LoRA"
    return Fit(badge=badge, reason=reason, texts=texts)


def _words(entry: LoraEntry) -> str:
    return " ".join((entry.name, entry.alias or "", *entry.trained_words)).casefold()
