"""Changes of one module weighed against each other number by number, which only whole changes allow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from lora_mixer.adapters import Delta, Weights
from lora_mixer.blend.method import Change
from lora_mixer.blend.stack import Term
from lora_mixer.modules import ModuleName


class ParameterChange(NamedTuple):
    """What one adapter does to one parameter.

    Attributes:
        change: D at strength 1, in the parameter's shape and float32.
        strength: How strongly it acts.
        seed: A number of its own for this adapter and parameter, the same on every machine.
    """

    change: Tensor
    strength: float
    seed: int


Resolve = Callable[[Sequence[ParameterChange], Mapping[str, float]], Tensor]
"""What a method makes of two changes or more of one parameter, given its numbers."""


def per_parameter(resolve: Resolve) -> Change:
    """Return the change of a module whose weight and bias are each resolved by themselves.

    Where one adapter acts, there is nothing to resolve: its change times its strength is taken as it is.
    """
    return partial(_change, resolve)


@torch.no_grad()
def _change(
    resolve: Resolve, name: ModuleName, base: Weights, terms: Sequence[Term], numbers: Mapping[str, float]
) -> Delta:
    deltas = [(term, term.layer.delta(base)) for term in terms]
    weights = ((term, delta.weight) for term, delta in deltas)
    biases = ((term, delta.bias) for term, delta in deltas)
    return Delta(
        weight=_resolved(resolve, f"{name}.weight", weights, numbers),
        bias=_resolved(resolve, f"{name}.bias", biases, numbers),
    )


def _resolved(
    resolve: Resolve, parameter: str, changes: Iterable[tuple[Term, Tensor | None]], numbers: Mapping[str, float]
) -> Tensor | None:
    parts = [
        ParameterChange(change, term.strength, _seed(term.digest, parameter))
        for term, change in changes
        if change is not None
    ]
    if len(parts) > 1:
        return resolve(parts, numbers)
    return parts[0].change * parts[0].strength if parts else None


def _seed(digest: str, parameter: str) -> int:
    """Return 63 bits that belong to an adapter's content and a parameter's name."""
    return int.from_bytes(hashlib.sha256(f"{digest} {parameter}".encode()).digest()[:8], "big") >> 1
