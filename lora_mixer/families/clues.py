"""What the names and shapes of an adapter's modules tell of its family, as data.

A name is looked at flat: dots are underscores, so that one pattern holds in every naming.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Traits = Mapping[str, frozenset[int]]
"""Numbers of a family by trait: those that its modules may show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clue:
    """One kind of evidence.

    Attributes:
        trait: Which numbers of a family it is compared with.
        words: How it is told; the numbers stand in the braces.
        pattern: The names it looks at. Its first group, if `reads` is `number`, is the number.
        reads: `inputs` or `outputs` of the module, or the `number` in its name.
        divide: What a number in the name is divided by.
        exact: The numbers must be all of the family's, not just some of them.
    """

    trait: str
    words: str
    pattern: re.Pattern[str]
    reads: str
    divide: int = 1
    exact: bool = False

    def told(self, found: frozenset[int]) -> str:
        """Return what was found, in words: the first few widths, or how many a highest number makes."""
        if self.reads == "number":
            return self.words.format(max(found) + 1)
        return self.words.format(", ".join(map(str, sorted(found)[:4])))

    def allows(self, found: frozenset[int], traits: Traits) -> bool:
        """Return whether a family of these traits can show what was found."""
        allowed = traits.get(self.trait, frozenset())
        return found == allowed if self.exact else found <= allowed
