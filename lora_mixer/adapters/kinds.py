"""The table of kinds: what a group's slots say it is, and why not, if they say nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from lora_mixer.adapters.full import BIAS, FULL, NORM, SET
from lora_mixer.adapters.glora import GLORA
from lora_mixer.adapters.ia3 import IA3
from lora_mixer.adapters.kind import Kind
from lora_mixer.adapters.loha import LOHA
from lora_mixer.adapters.lokr import LOKR
from lora_mixer.adapters.lora import LORA
from lora_mixer.adapters.oft import BOFT, OFT
from lora_mixer.adapters.oft_input import OFT_INPUT
from lora_mixer.adapters.shapes import broken
from lora_mixer.modules import Shape

KINDS: tuple[Kind, ...] = (LORA, LOHA, LOKR, OFT, OFT_INPUT, BOFT, GLORA, IA3, FULL, BIAS, SET, NORM)


def recognise(shapes: Mapping[str, Shape]) -> Kind:
    """Return the one kind that claims a group with these slots, given by name and shape.

    Raises:
        BrokenAdapterError: no kind does; the message names the nearest one and what is missing or too much for it.
    """
    kind = _claimant(frozenset((name, len(shape)) for name, shape in shapes.items()))
    if kind is None:
        raise broken(explain(frozenset(shapes)))
    return kind


@lru_cache(maxsize=256)
def _claimant(axes: frozenset[tuple[str, int]]) -> Kind | None:
    """Return the kind that claims slots of so many axes: most groups of a file are alike in that."""
    shapes = {name: (1,) * count for name, count in axes}
    return next((kind for kind in KINDS if claims(kind, shapes)), None)


def claims(kind: Kind, shapes: Mapping[str, Shape]) -> bool:
    """Return whether the slots are exactly one of the kind's forms and, besides it, only its modifiers."""
    names = frozenset(shapes)
    complete = any(form <= names and names - form <= kind.modifiers for form in kind.forms)
    return complete and all(len(shapes[name]) == axes for name, axes in kind.axes.items() if name in names)


def explain(names: frozenset[str]) -> str:
    """Return the sentence that says which kind comes nearest to these slots, and what keeps it from being that."""
    kind, form = min(
        ((kind, form) for kind in KINDS for form in kind.forms),
        key=lambda row: (len(row[1] - names) + len(names - row[1] - row[0].modifiers), -len(row[1] & names)),
    )
    missing, extra = form - names, names - form - kind.modifiers
    parts = [f"it lacks {_list(missing)}"] if missing else []
    parts += [f"{_list(extra)} has no place in it"] if extra else []
    parts += [] if parts else ["a tensor has another number of axes than it needs"]
    return f"{_list(names)} make no known kind of adapter; the nearest is {kind.title}, but {' and '.join(parts)}"


def _list(names: frozenset[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "no tensors"
