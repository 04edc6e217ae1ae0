"""A file's tensors, sorted: groups of one module each, and what belongs to none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lora_mixer.keys.scheme import Scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The tensors of one module.

    Attributes:
        module: The module as the file spells it.
        scheme: The naming scheme it is spelled in; None if it looks like none.
        slots: Tensor key by slot.
    """

    module: str
    scheme: Scheme | None
    slots: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A tensor that belongs to no group, and why."""

    key: str
    reason: str
    harmless: bool = False
