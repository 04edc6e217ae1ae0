"""The table of kinds: what a group's slots say it is, and why not, if they say nothing."""

from __future__ import annotations

from collections.abc import Iterable

from lora_mixer.adapters.kind import Kind
from lora_mixer.adapters.lora import LORA
from lora_mixer.adapters.shapes import broken

KINDS: tuple[Kind, ...] = (LORA,)


def recognise(slot_names: Iterable[str]) -> Kind:
    """Return the one kind that claims a group with these slots.

    Raises:
        BrokenAdapterError: no kind does; the message names the nearest one and what is missing or too much for it.
    """
    names = frozenset(slot_names)
    for kind in KINDS:
        if names - kind.modifiers in kind.forms or names in kind.forms:
            return kind
    raise broken(explain(names))


def explain(names: frozenset[str]) -> str:
    """Return the sentence that says which kind comes nearest to these slots, and what keeps it from being that."""
    nearest = min(
        ((kind, form) for kind in KINDS for form in kind.forms),
        key=lambda row: (len(row[1] - names) + len(names - row[1] - row[0].modifiers), -len(row[1] & names)),
    )
    kind, form = nearest
    missing, extra = form - names, names - form - kind.modifiers
    parts = [f"it lacks {_list(missing)}"] if missing else []
    parts += [f"{_list(extra)} has no place in it"] if extra else []
    return f"{_list(names)} make no known kind of adapter; the nearest is {kind.title}, but {' and '.join(parts)}"


def _list(names: frozenset[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "no tensors"
