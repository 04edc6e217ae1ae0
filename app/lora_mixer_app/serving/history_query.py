"""What somebody looks for in the history, and the clause of SQL that finds it."""

from __future__ import annotations

from dataclasses import dataclass

MOST_WORDS = 20
BETWEEN = "\n"
"""Stands before and after every name of the column of LoRAs, so that one name is never found within another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A view of the history.

    Attributes:
        text: Words that prompt, LoRAs, model or seed must hold, all of them.
        lora: Only pictures that this LoRA acted on.
        model: Only pictures of this model.
        pinned: Only favourites.
        binned: What lies in the bin, instead of what does not.
    """

    text: str = ""
    lora: str = ""
    model: str = ""
    pinned: bool = False
    binned: bool = False

    def clause(self, owner: str) -> tuple[str, list[object]]:
        """Return the conditions of an owner's pictures and the values of their question marks."""
        parts: list[tuple[str, object]] = [("owner = ?", owner), ("binned = ?", int(self.binned))]
        parts += [(r"words LIKE ? ESCAPE '\'", f"%{_escaped(word)}%") for word in self.text.split()[:MOST_WORDS]]
        if self.lora:
            parts.append((r"loras LIKE ? ESCAPE '\'", f"%{BETWEEN}{_escaped(self.lora)}{BETWEEN}%"))
        if self.model:
            parts.append(("model = ?", self.model))
        if self.pinned:
            parts.append(("pinned = ?", 1))
        return " AND ".join(condition for condition, _ in parts), [value for _, value in parts]


def joined(names: list[str]) -> str:
    r"""Return names as the column of LoRAs holds them.

    >>> joined(["a", "b"])
    '\na\nb\n'
    """
    return BETWEEN + "".join(f"{name}{BETWEEN}" for name in dict.fromkeys(names)) if names else ""


def parted(column: str) -> list[str]:
    """Return the names of a column of LoRAs."""
    return [name for name in column.split(BETWEEN) if name]


def _escaped(word: str) -> str:
    return "".join(f"\\{letter}" if letter in r"\%_" else letter for letter in word)
