"""What stands beside one module for one set of adapters: their terms, the low-rank ones joined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor, nn

from lora_mixer.adapters import Layer, LowRank, Operator, SideTerm, Weights, concatenate
from lora_mixer.apply.knobs import Knobs
from lora_mixer.apply.operators import operator_of, parameters_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """The terms beside one module.

    Attributes:
        operator: What the module does.
        knobs: The strengths of the module's block.
        low: All low-rank terms as one, or None.
        columns: For each rank of `low`, the adapter's column in the strengths, (ranks,).
        others: The other terms with their adapter's column.
    """

    operator: Operator
    knobs: Knobs
    low: LowRank | None
    columns: Tensor
    others: tuple[tuple[SideTerm, int], ...]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the module's output y for its input x with every term added."""
        strengths, axis = self._strengths(y)
        total = y
        if self.low is not None:
            total = total + self.low.forward(x, y, self.operator, strengths.index_select(axis, self.columns))
        for term, column in self.others:
            own = strengths[:, column] if strengths.ndim == 2 else strengths.narrow(axis, column, 1)
            total = total + term.forward(x, y, self.operator, own)
        return total

    def _strengths(self, y: Tensor) -> tuple[Tensor, int]:
        """Return the strengths that fit an output, with the axis its adapters lie on."""
        knobs = self.knobs
        if knobs.over and y.ndim == 4:
            return knobs.over[y.shape[2], y.shape[3]], 1
        if knobs.along and y.ndim == 3:
            return knobs.along[y.shape[1]], 2
        if knobs.values is None:
            raise RuntimeError("the strengths have not been set")
        return knobs.values, 1


@torch.no_grad()
def build_branch(module: nn.Module, layers: Mapping[str, Layer], order: Sequence[str], knobs: Knobs) -> Branch:
    """Return the branch of one module, in the module's dtype and on its device.

    Args:
        module: The module.
        layers: What each adapter does to it, by digest.
        order: The digests of all adapters, in the order of the strengths' columns.
        knobs: The strengths of its block.
    """
    operator = operator_of(module)
    base = parameters_of(module)
    exact = _exact(base, layers.values())
    terms = [
        (_cast(term, base.weight.dtype), order.index(digest))
        for digest, layer in layers.items()
        for term in layer.side(exact)
    ]
    low = [(term, column) for term, column in terms if isinstance(term, LowRank)]
    columns = [column for term, column in low for _ in range(term.rank)]
    return Branch(
        operator=operator,
        knobs=knobs,
        low=concatenate([term for term, _ in low]) if low else None,
        columns=torch.tensor(columns, dtype=torch.long, device=base.weight.device),
        others=tuple((term, column) for term, column in terms if not isinstance(term, LowRank)),
    )


def _exact(base: Weights, layers: Iterable[Layer]) -> Weights:
    """Return the pristine weights in float32; where no layer reads more than their shape, without their values."""
    if all(layer.linear for layer in layers):
        return Weights(base.weight.new_zeros((), dtype=torch.float32).expand(base.weight.shape), None)
    return Weights(base.weight.float(), None if base.bias is None else base.bias.float())


def _cast(term: SideTerm, dtype: torch.dtype) -> SideTerm:
    tensors = {f.name: value.to(dtype) for f in fields(term) if isinstance(value := getattr(term, f.name), Tensor)}
    return replace(term, **tensors)  # type: ignore[arg-type]  # the fields are this term's own
