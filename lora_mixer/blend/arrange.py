"""What a method makes of a mix before it lies on any weight: which adapters act on which rows of a batch, and when.

Methods of this sort blend predictions over the steps (Switch) or over rows (Composite), or change an adapter's factors for
its neighbours (SSR). What comes out are mixes that the sum applies, so both engines, curves, masks and batches know them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lora_mixer.blend.stack import WeightedAdapter
from lora_mixer.mapping import MappedAdapter
from lora_mixer.modules import DENOISER

Placed = tuple[WeightedAdapter, ...]


class MixRow(NamedTuple):
    """What acts on one row of a picture's batch, and how much that row's prediction weighs; the weights add up to 1."""

    placed: Placed
    weight: float = 1.0


Shares = Callable[[Sequence[MappedAdapter]], Sequence[float]]
"""How much of a text each adapter's trained words are, a number of 0 or more an adapter."""

Route = Callable[[Sequence[MappedAdapter]], Sequence[MappedAdapter]]
"""The adapters with factors that are fitted to each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a method may look at besides the mix.

    Attributes:
        numbers: The method's numbers.
        steps: The steps of the pass.
        without: How much a text loses without each adapter's words, 1 - cos(text, text without them).
        alike: How near each adapter's words are to the text, cos(text, words).
        route: Fits adapters to each other by a step of the denoiser under each.
    """

    numbers: Mapping[str, float]
    steps: int
    without: Shares
    alike: Shares
    route: Route


Arrange = Callable[[Sequence[Placed], Scene], tuple[MixRow, ...]]
"""The rows of a mix, given what is placed of each acting adapter, two adapters or more in canonical order."""


def arranged(arrange: Arrange | None, placed: Sequence[WeightedAdapter], scene: Scene) -> tuple[MixRow, ...]:
    """Return the rows of a mix.

    One adapter alone has nothing to share with: all methods leave it as it is. Those of strength 0 are left out, so that
    they take no turn and no row.

    Args:
        arrange: The method's, or None if it leaves a mix as it is.
        placed: The mix, in any order.
        scene: What the method may look at.
    """
    if arrange is None:
        return (MixRow(tuple(placed)),)
    groups: dict[str, list[WeightedAdapter]] = defaultdict(list)
    for one in sorted(placed, key=lambda one: (one.adapter.digest, repr(one.strength))):
        groups[one.adapter.digest].append(one)
    acting = [tuple(group) for group in groups.values() if _acts(group)]
    if len(acting) < 2:
        return (MixRow(tuple(one for group in acting for one in group)),)
    return arrange(acting, scene)


def _acts(group: Sequence[WeightedAdapter]) -> bool:
    """Return whether strengths of one adapter leave anything of it, on the denoiser or on a text encoder."""
    parts = {DENOISER, *(name.part for name in group[0].adapter.layers)}
    return any(math.fsum(one.strength.of(part) for one in group) != 0.0 for part in parts)
