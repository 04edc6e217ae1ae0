"""What baking did, and how much of the mix is in the file."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lora_mixer.adapters import Compressed
from lora_mixer.modules import ModuleSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockError:
    """How near the baked factors of one block come to the mix.

    Attributes:
        part: The part of the model.
        block: The block's name (`BASE`, `IN01`, ...).
        modules: How many of its modules the mix changes.
        exact: In how many of them nothing was left out.
        error: ||D - D'|| / ||D|| over the block, in the Frobenius norm; 0 is exact.
    """

    part: str
    block: str
    modules: int
    exact: int
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeReport:
    """A baked file or folder.

    Attributes:
        path: Where it lies.
        modules: How many modules the mix changes.
        blocks: The error of each block; empty for a checkpoint, which holds the mix whole.
        notes: What its user should know.
    """

    path: Path
    modules: int
    blocks: tuple[BlockError, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether nothing of the mix was left out."""
        return all(block.exact == block.modules for block in self.blocks)


def errors_by_block(compressed: Iterable[tuple[ModuleSpec, Compressed]]) -> tuple[BlockError, ...]:
    """Return the error of every block, in the order its modules come."""
    blocks: dict[tuple[str, str], list[Compressed]] = defaultdict(list)
    for spec, one in compressed:
        blocks[spec.name.part, spec.block].append(one)
    return tuple(
        BlockError(
            part=part,
            block=block,
            modules=len(of_block),
            exact=sum(one.lost == 0.0 for one in of_block),
            error=_relative(sum(one.lost for one in of_block), sum(one.whole for one in of_block)),
        )
        for (part, block), of_block in blocks.items()
    )


def _relative(lost: float, whole: float) -> float:
    return math.sqrt(lost / whole) if whole else 0.0
