"""Pictures that are there already, matched to the jobs of a plan: by their digests, wherever they lie."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from lora_mixer.errors import ConfigError
from lora_mixer.ledger.grow import numbered
from lora_mixer.ledger.ledger import MANIFEST, PICTURES, LedgerEntry, bytes_of, digest_of_file, entry_lines
from lora_mixer.ledger.plan_file import PLAN, StoredPlan


class KnownPictures:
    """The pictures of a folder.

    Args:
        folder: The folder.
        lines: What is entered.
        aside: Returns what was set aside once and may come back.
    """

    def __init__(
        self,
        folder: Path,
        lines: Sequence[LedgerEntry],
        aside: Callable[[], Collection[LedgerEntry]] | tuple[()],
    ) -> None:
        self._folder = folder
        self._by_file = {entry.file.as_posix(): entry for entry in lines}
        self._aside = aside

    def of(self, plan: StoredPlan, kept: Iterable[int]) -> tuple[dict[int, LedgerEntry], StoredPlan]:
        """Return the whole pictures of a plan wherever they lie, by number, and the plan with numbers for all files.

        Args:
            plan: The plan.
            kept: Numbers of jobs whose pictures keep their names.
        """
        kept = [index for index in kept if plan.jobs[index].digest is not None]
        names = {index: plan.file(index) for index in kept}
        found = {
            index: entry
            for index, name in names.items()
            if (entry := self._by_file.get(name)) is not None and self._is(entry, plan.jobs[index].digest)
        }
        numbers = {index: _number(name) for index, name in names.items()}
        free = [entry for name, entry in self._by_file.items() if name not in set(names.values())]
        others = self._others(plan, found, free)
        for index, entry in others.items():
            if entry.file.parent.as_posix() == PICTURES:
                numbers[index] = _number(entry.file.name)
        return found | others, numbered(plan, {i: n for i, n in numbers.items() if n is not None})

    def _others(
        self, plan: StoredPlan, found: Mapping[int, LedgerEntry], lines: Iterable[LedgerEntry]
    ) -> dict[int, LedgerEntry]:
        """Return whole pictures of jobs that lack theirs: entered under another name, or set aside once."""
        lacking = {job.digest for i, job in enumerate(plan.jobs) if job.digest is not None and i not in found}
        known: dict[str, deque[LedgerEntry]] = defaultdict(deque)
        for entry in (*lines, *(self._aside() if lacking and self._aside else ())):
            if entry.digest in lacking:
                known[entry.digest].append(entry)
        others: dict[int, LedgerEntry] = {}
        for index, job in enumerate(plan.jobs):
            while index not in found and index not in others and job.digest and known[job.digest]:
                entry = known[job.digest].popleft()
                if self._is(entry, job.digest):
                    others[index] = entry
        return others

    def _is(self, entry: LedgerEntry, digest: str | None) -> bool:
        return entry.digest == digest and digest_of_file(self._folder / entry.file) == entry.sha256


def refuse_strangers(folder: Path) -> None:
    """Refuse a folder with a manifest of which no line is ours, and no plan: somebody else's files lie there.

    Raises:
        ConfigError: It is one.
    """
    if (folder / PLAN).exists():
        return
    found = entry_lines(bytes_of(folder / MANIFEST))
    if found.damaged and not found.whole:
        raise ConfigError(
            f"the folder holds a {MANIFEST} that is not of this program, or of another run",
            where=str(folder),
            remedy=f"Name another folder with --output, or give that {MANIFEST} another name.",
        )


def is_ours(entry: LedgerEntry) -> bool:
    """Tell whether a line speaks of a picture in the folder of pictures, as all do that this program wrote."""
    return entry.file.parent.as_posix() == PICTURES and entry.file.name not in {"", ".."}


def _number(name: str) -> int | None:
    stem = Path(name).stem
    return int(stem) if stem.isdecimal() and stem.isascii() else None
