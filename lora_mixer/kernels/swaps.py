"""Attributes of modules that are put on and taken off: what a fast way of computing is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import nn

ABSENT = object()
"""The value of an attribute that is not there."""


@dataclass(frozen=True, slots=True)
class Swap:
    """An attribute of a module, as it is made and as it is while pictures are rendered.

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
        """Give the module the fast value."""
        object.__setattr__(self.module, self.name, self.fast)

    def take_off(self) -> None:
        """Give the module its plain value back."""
        if self.plain is not ABSENT:
            object.__setattr__(self.module, self.name, self.plain)
        elif self.name in vars(self.module):
            object.__delattr__(self.module, self.name)


def class_swaps(modules: Iterable[nn.Module], fast: type[nn.Module]) -> Sequence[Swap]:
    """Return what lets modules be of another class."""
    return [Swap(module, "__class__", fast, type(module)) for module in modules]
