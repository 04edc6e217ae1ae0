"""The embeddings in models.toml's folders: opened once, with errors and notes for prompts that name unusable ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from lora_mixer.catalog import EmbeddingLibrary
from lora_mixer.conditioning import EmbeddingVectors, load_embedding
from lora_mixer.errors import BrokenFileError, FileError
from lora_mixer.pipeline import Condition, Job, TextCache
from lora_mixer.prompt import Break


def open_embeddings(folders: Iterable[Path]) -> tuple[Mapping[str, EmbeddingVectors], Mapping[str, FileError]]:
    """Return the readable embeddings and the errors of the others, by name."""
    opened: dict[str, EmbeddingVectors] = {}
    broken: dict[str, FileError] = {}
    for name, path in EmbeddingLibrary(folders).files.items():
        try:
            opened[name] = load_embedding(path)
        except FileError as error:
            broken[name] = error
    return opened, broken


def refuse_broken(job: Job, broken: Mapping[str, FileError], names: Iterable[str]) -> None:
    """Refuse a job whose prompt names an embedding that cannot be read.

    Args:
        job: The picture.
        broken: The embeddings that cannot be read.
        names: The readable ones; a longer name among them takes precedence over a broken one.

    Raises:
        BrokenFileError: The prompt names one; the error has its file and defect.
    """
    for condition in job.conditions if broken else ():
        for name in _named(condition, (*broken, *names)):
            if name in broken:
                error = broken[name]
                raise BrokenFileError(
                    f"the prompt names the embedding {name}, which cannot be read: {error.what}",
                    where=error.where,
                    remedy=error.remedy or "Mend the file, or move it out of the folder.",
                )


def left_out(job: Job, texts: TextCache) -> Iterator[str]:
    """Yield a note for each embedding that a prompt names but the model cannot use."""
    told: dict[str, str] = {}
    for condition in job.conditions:
        unfit = texts.conditioner(condition.stack).unfit
        told |= (
            {name: unfit[name] for name in _named(condition, (*unfit, *texts.names)) if name in unfit} if unfit else {}
        )
    for name, reason in told.items():
        yield f"the embedding {name} does not fit this model, so its name is read as words: {reason}"


def _named(condition: Condition, names: tuple[str, ...]) -> Iterator[str]:
    """Yield the names found in a text as whole words, ignoring case; of overlapping names the longest."""
    by_name = {name.casefold(): name for name in names}
    for piece in condition.pieces:
        if not isinstance(piece, Break):
            found = (by_name.get(match[0].casefold()) for match in _pattern(names).finditer(piece.text))
            yield from (name for name in found if name is not None)


@lru_cache(maxsize=16)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted((re.escape(name) for name in names), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)", re.IGNORECASE)
