"""How much of a text each LoRA's trained words are: what W-Switch and W-Composite go by.

Tsoumplekas et al. 2026 (arXiv:2606.03792) and their code: e is the mean over a text's encoded tokens, padding included;
a share is never below a floor, so that a LoRA whose words are not in the text still acts. A word that other LoRAs of the mix
were trained on, too, tells nothing of one of them and is left out of the account.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from lora_mixer.mapping import MappedAdapter

FLOOR = 0.05
"""The least share."""
WHOLE = 2.0
"""The share of words without which nothing is left of a text."""
SHORTEST = 5
"""A text of fewer letters is nothing."""

Encode = Callable[[str], Tensor]
"""A text's encoded tokens, (1, n, width)."""
Words = Callable[[MappedAdapter], Sequence[str]]
"""An adapter's trained words, the trigger phrase first."""


class TextShares:
    """The shares of adapters in one text.

    Args:
        text: The text.
        encode: Encodes it, under no adapter.
        words: Adapters' trained words.
    """

    def __init__(self, text: str, encode: Encode, words: Words) -> None:
        self._text = text
        self._encode = encode
        self._words = words

    def without(self, adapters: Sequence[MappedAdapter]) -> tuple[float, ...]:
        """Return 1 - cos(e(text), e(text without the adapter's words)), an adapter at a time."""
        return tuple(max(FLOOR, self._lost(words)) for words in own_words(adapters, self._words).values())

    def alike(self, adapters: Sequence[MappedAdapter]) -> tuple[float, ...]:
        """Return cos(e(text), e(the adapter's words)), an adapter at a time."""
        own = own_words(adapters, self._words)
        return tuple(max(FLOOR, self._cosine(words[0]) if words else 0.0) for words in own.values())

    def _lost(self, words: Sequence[str]) -> float:
        left = _without(self._text, words)
        if left == self._text:
            return 0.0
        return WHOLE if len(left) < SHORTEST else 1.0 - self._cosine(left)

    def _cosine(self, other: str) -> float:
        left, right = (self._encode(text).mean(dim=1) for text in (self._text, other))
        return float(F.cosine_similarity(left.double(), right.double(), dim=-1))


def own_words(adapters: Sequence[MappedAdapter], words: Words) -> Mapping[str, list[str]]:
    """Return the words of each adapter that no other was trained on, by digest, in the order given."""
    known = {one.digest: list(dict.fromkeys(words(one))) for one in adapters}
    return {
        digest: [word for word in own if not any(word in known[other] for other in known if other != digest)]
        for digest, own in known.items()
    }


def _without(text: str, words: Sequence[str]) -> str:
    """Return a text without some words or phrases, and without the commas they leave.

    >>> _without("red heart, line art, sky", ["line art"])
    'red heart, sky'
    """
    for word in words:
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", "", text, flags=re.IGNORECASE)
    parts = (" ".join(part.split()) for part in text.split(","))
    return ", ".join(part for part in parts if part)
