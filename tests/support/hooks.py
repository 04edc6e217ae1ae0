"""torch's own list of a module's hooks, which it gives no public name."""

from __future__ import annotations

from typing import Any

from torch import nn


def forward_hooks(module: nn.Module) -> dict[int, Any]:
    """The hooks that run after the module's forward pass, by their number: the list itself."""
    return module._forward_hooks


def pre_hooks(module: nn.Module) -> dict[int, Any]:
    """The hooks that run before the module's forward pass, by their number: the list itself."""
    return module._forward_pre_hooks
