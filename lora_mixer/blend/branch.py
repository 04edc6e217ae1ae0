"""The side branch of one module: all adapters' terms, with the low-rank ones joined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain

import torch
from torch import Tensor, nn

from lora_mixer.adapters import Dense, InputGain, Layer, LayerOp, LowRank, SideTerm, Weights, concatenate
from lora_mixer.blend.block_scales import BlockScales, Layout
from lora_mixer.blend.layer_ops import operator_of, parameters_of
from lora_mixer.blend.low_rank_kernel import LowRankKernel, products_beside


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """The terms beside one module.

    Attributes:
        operator: What the module does.
        scales: The strengths of the module's block.
        low: All low-rank terms as one, or None.
        layout: For each rank of `low`, the adapter's column in the strengths.
        others: The other terms with their adapter's column.
    """

    operator: LayerOp
    scales: BlockScales
    low: LowRankKernel | None
    layout: Layout
    others: tuple[tuple[SideTerm, int], ...]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Add every term for the input x to the output y and return it; y may be overwritten."""
        total = y
        for term, column in self.others:
            total = total + term.forward(x, y, self.operator, self.scales.of(y, column))
        if self.low is None:
            return total
        return self.low.added(total, x, self.operator, self.scales.by_rank(y, self.layout))


@torch.no_grad()
def build_branch(
    module: nn.Module, layers: Mapping[str, Layer], order: Sequence[str], scales: BlockScales, device: torch.device
) -> Branch:
    """Return the branch of one module, in the module's dtype.

    Args:
        module: The module.
        layers: Each adapter's layer, by digest.
        order: Digests of all adapters, in column order.
        scales: The strengths of its block.
        device: Where the module computes; its weight may rest elsewhere.
    """
    base = parameters_of(module)
    exact = _exact(base, layers.values())
    terms = [
        (term, order.index(digest))
        for digest, layer in layers.items()
        for term in (
            _rows(layer, exact, base.weight.dtype, device)
            if isinstance(module, nn.Embedding)
            else _terms(layer, base, exact, device)
        )
    ]
    low = [(term, column) for term, column in terms if isinstance(term, LowRank)]
    layout = tuple(chain.from_iterable((column,) * term.rank for term, column in low))
    scales.lay_out(layout)
    return Branch(
        operator=_there(operator_of(module), [term for term, _ in terms], device),
        scales=scales,
        low=products_beside(module, concatenate([term for term, _ in low])) if low else None,
        layout=layout,
        others=tuple((term, column) for term, column in terms if not isinstance(term, LowRank)),
    )


def _there(operator: LayerOp, terms: Iterable[SideTerm], device: torch.device) -> LayerOp:
    """Move the operator to `device`, skipping the weight if no term reads it."""
    read = any(isinstance(term, InputGain) for term in terms)
    weight = operator.weight.to(device) if read else operator.weight
    return replace(operator, weight=weight, bias=None if operator.bias is None else operator.bias.to(device))


def _terms(layer: Layer, base: Weights, exact: Weights, device: torch.device) -> tuple[SideTerm, ...]:
    """Return what a layer adds to the output, in the dtype of the weight and on a device."""
    pair = layer.rounded_factors(base.weight.dtype, device) if layer.bias_change() is None else None
    if pair is not None:
        return (LowRank(down=pair.down, up=pair.up),)
    return tuple(_cast(term, base.weight.dtype, device) for term in layer.side(exact))


def _rows(layer: Layer, exact: Weights, dtype: torch.dtype, device: torch.device) -> tuple[SideTerm, ...]:
    """Return what a layer adds to the rows an embedding looks up: they are no products of its input."""
    change = layer.delta(exact).weight
    return () if change is None else (Dense(weight=change.to(device, dtype)),)


def _exact(base: Weights, layers: Iterable[Layer]) -> Weights:
    """Return the pristine weights in float32; where no layer reads more than their shape, without their values."""
    if all(layer.linear for layer in layers):
        return Weights(base.weight.new_zeros((), dtype=torch.float32).expand(base.weight.shape), None)
    return Weights(base.weight.float(), None if base.bias is None else base.bias.float())


def _cast(term: SideTerm, dtype: torch.dtype, device: torch.device) -> SideTerm:
    tensors = {
        f.name: value.to(device, dtype) for f in fields(term) if isinstance(value := getattr(term, f.name), Tensor)
    }
    return replace(term, **tensors)  # type: ignore[arg-type]  # the fields are this term's own
