"""The side-path engine: weights stay as they are, every image of a batch has its own mix.

Beside each module stands a branch: the low-rank factors of all adapters joined along the rank, one product down and
one up whatever their number, with the strengths as a (rows, ranks) factor in between:
y' = y + ((x A^T) * s) B^T (LoRA, arXiv:2106.09685, eq. 3, with s per row and rank). Kinds without low-rank form add
their exact terms with strengths (rows,). Moving a slider writes a few numbers; branches are kept.
"""

from __future__ import annotations

import math
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from lora_mixer.adapters import Layer, LowRank, Operator, SideTerm, Weights, concatenate
from lora_mixer.apply.operators import operator_of, parameters_of
from lora_mixer.apply.stack import Stack
from lora_mixer.apply.strength import block_key, strength_at
from lora_mixer.mapping import MappedAdapter
from lora_mixer.models import Model
from lora_mixer.modules import ModuleName

KEPT_SETS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Branch:
    """What stands beside one module for one set of adapters.

    Attributes:
        low: All low-rank terms as one, or None.
        columns: For each rank of `low`, the adapter's column in the strengths, (ranks,).
        others: The other terms with their adapter's column.
    """

    operator: Operator
    low: LowRank | None
    columns: Tensor
    others: tuple[tuple[SideTerm, int], ...]

    def forward(self, x: Tensor, y: Tensor, strengths: Tensor) -> Tensor:
        """Return y with every term added; strengths (rows, adapters)."""
        total = y
        if self.low is not None:
            total = total + self.low.forward(x, y, self.operator, strengths[:, self.columns])
        for term, column in self.others:
            total = total + term.forward(x, y, self.operator, strengths[:, column])
        return total


class SideEngine:
    """Puts a mix per row beside a model's modules for the duration of a `with` block."""

    name = "side"

    def __init__(self, model: Model) -> None:
        self._model = model
        self._branches: OrderedDict[tuple[str, ...], dict[ModuleName, _Branch]] = OrderedDict()

    @contextmanager
    def applied(self, stacks: Sequence[Stack], *, parts: Iterable[str], progress: float = 0.0) -> Iterator[None]:
        """Apply one stack to each row of the batch; the branches go away on every way out.

        Args:
            stacks: The mix of each row, in the order of the batch.
            parts: The parts of the model to act on.
            progress: How far sampling has come, 0..1 (for strength curves).
        """
        wanted = frozenset(parts)
        adapters = {placed.adapter.digest: placed.adapter for stack in stacks for placed in stack.placed}
        order = tuple(sorted(adapters))
        strengths: dict[str, Tensor] = {}
        with ExitStack() as undo:
            for name, layers in self._layers(order, adapters, wanted).items():
                key = block_key(name, stacks[0].family)
                if key not in strengths:
                    strengths[key] = self._strengths(stacks, order, name, progress)
                if strengths[key].any():
                    module = self._model.module(name)
                    branch = self._branch(name, module, layers, order)
                    undo.callback(_attach(module, branch, strengths[key]).remove)
            yield

    def forget(self) -> None:
        """Drop the kept branches."""
        self._branches.clear()

    def _layers(
        self, order: Sequence[str], adapters: Mapping[str, MappedAdapter], parts: frozenset[str]
    ) -> Mapping[ModuleName, Mapping[str, Layer]]:
        layers: dict[ModuleName, dict[str, Layer]] = defaultdict(dict)
        for digest in order:
            for name, layer in adapters[digest].layers.items():
                if name.part in parts:
                    layers[name][digest] = layer
        return layers

    def _strengths(self, stacks: Sequence[Stack], order: Sequence[str], name: ModuleName, progress: float) -> Tensor:
        """Return the strengths (rows, adapters) that act on a module, and on all of its part and block."""
        rows = []
        for stack in stacks:
            values: dict[str, list[float]] = defaultdict(list)
            for placed in stack.placed:
                values[placed.adapter.digest].append(
                    strength_at(placed.strength, name, family=stack.family, progress=progress)
                )
            rows.append([math.fsum(values[digest]) for digest in order])
        return torch.tensor(rows, dtype=self._model.dtype, device=self._model.device)

    def _branch(
        self, name: ModuleName, module: nn.Module, layers: Mapping[str, Layer], order: tuple[str, ...]
    ) -> _Branch:
        if order not in self._branches:
            self._branches[order] = {}
            while len(self._branches) > KEPT_SETS:
                self._branches.popitem(last=False)
        self._branches.move_to_end(order)
        kept = self._branches[order]
        if name not in kept:
            kept[name] = _build(module, layers, order)
        return kept[name]


@torch.no_grad()
def _build(module: nn.Module, layers: Mapping[str, Layer], order: Sequence[str]) -> _Branch:
    """Return the branch of one module: every adapter's terms, the low-rank ones joined, in the module's dtype."""
    operator = operator_of(module)
    base = parameters_of(module)
    exact = Weights(base.weight.float(), None if base.bias is None else base.bias.float())
    terms = [
        (_cast(term, base.weight.dtype), order.index(digest))
        for digest, layer in layers.items()
        for term in layer.side(exact)
    ]
    low = [(term, column) for term, column in terms if isinstance(term, LowRank)]
    columns = [column for term, column in low for _ in range(term.rank)]
    return _Branch(
        operator=operator,
        low=concatenate([term for term, _ in low]) if low else None,
        columns=torch.tensor(columns, dtype=torch.long, device=base.weight.device),
        others=tuple((term, column) for term, column in terms if not isinstance(term, LowRank)),
    )


def _cast(term: SideTerm, dtype: torch.dtype) -> SideTerm:
    tensors = {f.name: value.to(dtype) for f in fields(term) if isinstance(value := getattr(term, f.name), Tensor)}
    return replace(term, **tensors)  # type: ignore[arg-type]  # the fields are this term's own


def _attach(module: nn.Module, branch: _Branch, strengths: Tensor) -> RemovableHandle:
    def beside(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return branch.forward(inputs[0], output, strengths)

    return module.register_forward_hook(beside)
