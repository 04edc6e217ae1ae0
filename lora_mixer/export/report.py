"""What baking did, and how much of the mix is in the file."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lora_mixer.adapters import Compressed
from lora_mixer.modules import ModuleSpec


class Cut(NamedTuple):
    """How much of a module's change D was left out, as squared Frobenius norms."""

    whole: float  # of D
    lost: float  # of D - D'

    @classmethod
    def of(cls, one: Compressed) -> Cut:
        """Return that of a compressed change, without its factors."""
        return cls(one.whole, one.lost)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockError:
    """How closely the written factors of one block match its change.

    Attributes:
        part: The part of the model.
        block: The block's name (`BASE`, `IN01`, ...).
        modules: How many of its modules are changed.
        exact: How many of them are written exactly.
        error: ||D - D'|| / ||D|| over the block, in the Frobenius norm; 0 is exact.
    """

    part: str
    block: str
    modules: int
    exact: int
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeReport:
    """A written file or folder.

    Attributes:
        path: Where it lies.
        modules: How many modules are changed.
        blocks: The error of each block; empty for a checkpoint, which holds a mix whole.
        notes: Messages for the user.
    """

    path: Path
    modules: int
    blocks: tuple[BlockError, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether nothing was left out."""
        return all(block.exact == block.modules for block in self.blocks)


def errors_by_block(cuts: Iterable[tuple[ModuleSpec, Cut]]) -> tuple[BlockError, ...]:
    """Return the error of every block, in the order its modules come."""
    blocks: dict[tuple[str, str], list[Cut]] = defaultdict(list)
    for spec, one in cuts:
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
