"""A request's LoRAs as stacks: found, opened, and blended by the request's method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from lora_mixer.blend import Scene, Stack, StackRow, WeightedAdapter, blend_of, stacks_of
from lora_mixer.choices import SUM, BlendMethod
from lora_mixer.mixer.adapter_cache import AdapterCache
from lora_mixer.mixer.text_shares import TextShares
from lora_mixer.mixes import LoraUse
from lora_mixer.pipeline import Condition, LoadedModel
from lora_mixer.prompt import Part, Words
from lora_mixer.request import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Blending:
    """What makes stacks of a pass's LoRAs.

    Attributes:
        adapters: Where they are found.
        method: How they are blended.
        settings: The pass's.
        loaded: The open model, which some methods ask.
    """

    adapters: AdapterCache
    method: BlendMethod
    settings: Settings
    loaded: LoadedModel

    def rows(
        self, uses: Iterable[LoraUse], text: Sequence[Part], *, beside: Iterable[LoraUse] = ()
    ) -> tuple[StackRow, ...]:
        """Return the mixes that act on a picture's rows for some steps, each with its weight.

        Args:
            uses: The LoRAs that act on the whole picture.
            text: What it shows.
            beside: LoRAs that act on the negative prompt only, on every row.
        """
        shares = TextShares(_plain(text), self._encoded, self.adapters.words)
        scene = Scene(
            numbers=self.method.numbers, steps=self.settings.steps, without=shares.without, alike=shares.alike
        )
        return stacks_of(self.method, self.placed(uses), scene, beside=self.placed(beside))

    def placed(self, uses: Iterable[LoraUse]) -> list[WeightedAdapter]:
        """Return LoRAs opened, with their strengths."""
        return [
            WeightedAdapter(
                adapter=self.adapters.take(use.name, rank=use.strength.rank),
                strength=replace(use.strength, negative=False),
            )
            for use in uses
        ]

    def joined(self, stack: Stack, more: Sequence[WeightedAdapter]) -> Stack:
        """Return a row's mix with what acts besides, such as the LoRAs of a region."""
        method = SUM if blend_of(self.method).arrange else self.method
        return Stack((*stack.placed, *more), method=method)

    def _encoded(self, text: str) -> Tensor:
        condition = Condition(pieces=(Words(text=text),), stack=Stack())
        return self.loaded.texts.encode(condition, self.settings).tokens


def _plain(text: Sequence[Part]) -> str:
    """Return the words of a text without their weights."""
    pieces = (piece.text for part in text for piece in part.text if isinstance(piece, Words))
    return ", ".join(" ".join(piece.split()) for piece in pieces)
