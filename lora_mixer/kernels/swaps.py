"""Module attributes that a kernel replaces while it is on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import nn

ABSENT = object()
"""The value of a missing attribute."""


@dataclass(frozen=True, slots=True)
class Swap:
    """A module attribute with its plain value and its value while rendering.

    Attributes:
        module: The module.
        name: The attribute: its class, its attention processor, what it keeps.
        fast: The value while it is on.
        plain: The value while it is off.
    """

    module: nn.Module
    name: str
    fast: object
    plain: object = ABSENT

    def put_on(self) -> None:
        """Set the fast value."""
        object.__setattr__(self.module, self.name, self.fast)

    def take_off(self) -> None:
        """Restore the plain value."""
        if self.plain is not ABSENT:
            object.__setattr__(self.module, self.name, self.plain)
        elif self.name in vars(self.module):
            object.__delattr__(self.module, self.name)


def class_swaps(modules: Iterable[nn.Module], fast: type[nn.Module]) -> Sequence[Swap]:
    """Return swaps that change modules' class."""
    return [Swap(module, "__class__", fast, type(module)) for module in modules]
