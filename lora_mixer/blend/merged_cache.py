"""A cache of merged weights: always each module's last mix, and earlier ones within a budget."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable

from lora_mixer.adapters import Weights
from lora_mixer.modules import ModuleName

Key = tuple[tuple[str, float], ...]
"""What makes merged weights what they are: digests and strengths in canonical order, before them a method but the sum."""


class MergedCache:
    """Merged weights by module and mix.

    The last mix of a module is always kept: the next step must not merge it again. Earlier ones are kept while all
    of them fit the budget; then the module's least recently used one is written over, since new memory costs more
    than a merge.

    Args:
        budget: Bytes that earlier mixes may occupy.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._mixes: dict[ModuleName, OrderedDict[Key, Weights]] = defaultdict(OrderedDict)
        self.earlier = 0
        """Bytes that earlier mixes occupy."""

    def take(self, name: ModuleName, key: Key, make: Callable[[Weights | None], Weights]) -> Weights:
        """Return the weights of a mix, calling `make` if they are not cached; `make` may overwrite its argument."""
        mixes = self._mixes[name]
        if key not in mixes:
            spare = self._make_room(mixes)
            try:
                mixes[key] = make(spare)
            except BaseException:
                self.earlier -= sum(size_of(kept) for kept in list(mixes.values())[-1:])  # it is the last mix again
                raise
        mixes.move_to_end(key)
        return mixes[key]

    def _make_room(self, mixes: OrderedDict[Key, Weights]) -> Weights | None:
        """Move a module's last mix to the earlier ones; return the weights evicted for it, if any."""
        if not mixes:
            return None
        self.earlier += size_of(next(reversed(mixes.values())))
        if self.earlier <= self._budget:
            return None
        _, spare = mixes.popitem(last=False)
        self.earlier -= size_of(spare)
        return spare


def size_of(weights: Weights) -> int:
    """Return the size of a module's parameters in bytes."""
    return weights.weight.nbytes + (0 if weights.bias is None else weights.bias.nbytes)
