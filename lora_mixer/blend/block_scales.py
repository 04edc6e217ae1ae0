"""The numbers that sliders write: one set per block, shared by all branches of the block.

Values are written in place where shapes allow, so a moved slider changes nothing that a compiler or CUDA graph captured.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import reduce
from types import MappingProxyType

import torch
from torch import Tensor

from lora_mixer.blend.masks import Mask, levels
from lora_mixer.blend.stack import Stack
from lora_mixer.blend.strength import strength_at
from lora_mixer.modules import ModuleSpec, Sees

Size = tuple[int, int]
Layout = tuple[int, ...]
"""For each rank of the joined factors, its adapter's column."""
_Parts = dict[str, list[tuple[float, tuple[Mask, ...]]]]  # by digest: each factor and where it acts


class BlockScales:
    """The strengths that act on the modules of one block.

    Args:
        spec: Any of these modules.
        dtype: The dtype the modules compute in.
        device: The device they compute on.

    Attributes:
        live: Whether any of them is not 0.
        values: One strength per row of the batch and adapter, (rows, adapters); None until they are set.
        over: With masks, the strengths over the picture at every size it has inside the denoiser, (rows, adapters, h, w).
        along: The same in the order of attention's tokens, by their count, (rows, tokens, adapters).
    """

    def __init__(self, spec: ModuleSpec, dtype: torch.dtype, device: torch.device) -> None:
        self._spec = spec
        self._dtype = dtype
        self._device = device
        self.live = False
        self.values: Tensor | None = None
        self.over: dict[Size, Tensor] = {}
        self.along: dict[int, Tensor] = {}
        self._columns: dict[Layout, Tensor] = {}
        self._by_rank: dict[Layout, Tensor] = {}

    def set(self, stacks: Sequence[Stack], order: Sequence[str], *, progress: float, size: Size | None) -> None:
        """Write the strengths of a batch, one stack per row, with adapters in the given order.

        Args:
            stacks: The mix of each row.
            order: The digests of the adapters.
            progress: How far sampling has come, 0..1.
            size: Latent height and width; None if no module is spatial.
        """
        mixes = {stack: self._parts(stack, progress) for stack in dict.fromkeys(stacks)}
        rows = [mixes[stack] for stack in stacks]
        values = [[math.fsum(factor for factor, _ in row[digest]) for digest in order] for row in rows]
        masked = any(masks for row in rows for pairs in row.values() for _, masks in pairs)
        self.live = masked or any(value != 0.0 for row in values for value in row)
        self._write(torch.tensor(values))
        if not masked:
            self.over, self.along = {}, {}
            return
        if size is None:
            raise ValueError("a mask needs the size of the latent")
        maps = {hw: torch.stack([_maps(row, order, *hw) for row in rows]) for hw in levels(*size)}
        self.over = {hw: self._written(self.over.get(hw), over) for hw, over in maps.items()}
        self.along = {
            over.shape[2] * over.shape[3]: self._written(
                self.along.get(over.shape[2] * over.shape[3]), over.flatten(2).transpose(1, 2)
            )
            for over in maps.values()
        }

    def follow(self, other: BlockScales) -> None:
        """Copy the strengths of another block of modules that see the same."""
        if other.values is None:
            raise RuntimeError("the strengths have not been set")
        self.live = other.live
        self.over = {size: self._written(self.over.get(size), over) for size, over in other.over.items()}
        self.along = {places: self._written(self.along.get(places), along) for places, along in other.along.items()}
        self._write(other.values, other._by_rank)

    def lay_out(self, layout: Layout) -> None:
        """Also keep the strengths per rank, for factors joined in this layout."""
        if layout not in self._columns:
            self._columns[layout] = torch.tensor(layout, dtype=torch.long, device=self._device)
            if self.values is not None:
                self._by_rank[layout] = self.values.index_select(1, self._columns[layout])

    def of(self, y: Tensor, column: int) -> Tensor:
        """Return one adapter's strengths, broadcastable to the output y: (rows,), or with y's spatial axes."""
        strengths, axis = self._fitting(y)
        return strengths[:, column] if strengths.ndim == 2 else strengths.narrow(axis, column, 1)

    def by_rank(self, y: Tensor, layout: Layout) -> Tensor:
        """Return per-rank strengths, broadcastable to the output y: (rows, ranks), or with y's spatial axes."""
        strengths, axis = self._fitting(y)
        return self._by_rank[layout] if strengths.ndim == 2 else strengths.index_select(axis, self._columns[layout])

    def _fitting(self, y: Tensor) -> tuple[Tensor, int]:
        """Return the strengths that fit an output, with the axis its adapters lie on."""
        if self.over and y.ndim == 4:
            return self.over[y.shape[2], y.shape[3]], 1
        if self.along and y.ndim == 3:
            return self.along[y.shape[1]], 2
        if self.values is None:
            raise RuntimeError("the strengths have not been set")
        return self.values, 1

    def _write(self, values: Tensor, ready: Mapping[Layout, Tensor] = MappingProxyType({})) -> None:
        """Write the strengths of every row and adapter, and of every rank, where those are not `ready`."""
        self.values = self._written(self.values, values)
        for layout, columns in self._columns.items():
            spread = ready[layout] if layout in ready else self.values.index_select(1, columns)
            self._by_rank[layout] = self._written(self._by_rank.get(layout), spread)

    def _parts(self, stack: Stack, progress: float) -> _Parts:
        parts: _Parts = defaultdict(list)
        for placed in stack.placed:
            masks = placed.masks()
            factor = strength_at(placed.strength, self._spec, progress=progress, masks=masks)
            over = self._spec.sees is Sees.PICTURE and factor != 0.0
            parts[placed.adapter.digest].append((factor, masks if over else ()))
        return parts

    def _written(self, kept: Tensor | None, values: Tensor) -> Tensor:
        if kept is not None and kept.shape == values.shape:
            return kept.copy_(values)
        return values.to(device=self._device, dtype=self._dtype, copy=True).contiguous()


def _maps(row: _Parts, order: Sequence[str], height: int, width: int) -> Tensor:
    """Return one row's strengths over the picture, (adapters, height, width)."""
    total = torch.zeros(len(order), height, width, dtype=torch.float64)
    for column, digest in enumerate(order):
        for factor, masks in row[digest]:
            whole = torch.tensor(factor, dtype=torch.float64)
            total[column] += reduce(torch.mul, (mask.at(height, width) for mask in masks), whole)
    return total
