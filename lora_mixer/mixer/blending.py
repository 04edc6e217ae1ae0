"""A request's LoRAs as stacks: balanced and blended as its settings say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from torch import Tensor

from lora_mixer.blend import Scene, Stack, StackRow, WeightedAdapter, blend_of, stacks_of
from lora_mixer.blend.balance import balanced, factors_of
from lora_mixer.choices import OFF, SUM, find_balance, find_method
from lora_mixer.mapping import MappedAdapter
from lora_mixer.mixer.measuring import Measuring
from lora_mixer.mixer.text_shares import TextShares
from lora_mixer.mixes import LoraUse
from lora_mixer.pipeline import Condition
from lora_mixer.places import CenterCrop
from lora_mixer.prompt import Part, Words
from lora_mixer.request import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Blending:
    """What makes stacks of a pass's LoRAs.

    Attributes:
        settings: The pass's, which say how they are balanced and blended.
        measuring: Finds, opens and measures them.
        crop: What the pass draws of the picture that masks lie in; None: all of it.
        matrices: Filled with the digests of the matrices that were put between factors.
        said: Filled with what is to be told of strengths.
    """

    settings: Settings
    measuring: Measuring
    crop: CenterCrop | None = None
    matrices: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def rows(
        self,
        uses: Iterable[LoraUse],
        text: Sequence[Part],
        *,
        beside: Iterable[LoraUse] = (),
        among: Sequence[LoraUse] = (),
    ) -> tuple[StackRow, ...]:
        """Return the mixes that act on a picture's rows for some steps, each with its weight.

        Args:
            uses: The LoRAs that act on the whole picture.
            text: What it shows.
            beside: LoRAs that act on the negative prompt only, on every row.
            among: LoRAs of a region that these are balanced with.
        """
        method, (mix, _) = find_method(self.settings.method), self.balanced(uses, among)
        shares = TextShares(_plain(text), self._encoded, self.measuring.words)
        scene = Scene(
            numbers=method.numbers,
            steps=self.settings.steps,
            without=shares.without,
            alike=shares.alike,
            route=partial(self._routed, ridge=method.numbers.get("ridge", 0.0)),
        )
        return stacks_of(method, mix, scene, beside=self.placed(beside))

    @property
    def balances(self) -> bool:
        """Whether strengths are balanced; not where each LoRA predicts by itself."""
        return find_balance(self.settings.balance) != OFF and not find_method(self.settings.method).row.predictions

    def balanced(
        self, uses: Iterable[LoraUse], among: Sequence[LoraUse] = ()
    ) -> tuple[list[WeightedAdapter], list[WeightedAdapter]]:
        """Return the picture's LoRAs and those of a region, balanced with each other if strengths are to be."""
        mix, own = self.placed(uses), self.placed(among)
        if not self.balances or len(mix) + len(own) < 2:
            return mix, own
        per = find_balance(self.settings.balance)
        found = self.measuring.sizes([*mix, *own])
        factors = ", ".join(f"{block} {factor:g}" for block, factor in factors_of(found, per).items())
        where = f" beside {', '.join(dict.fromkeys(use.name for use in among))} of a region" if among else ""
        said = (
            f"strengths are balanced{where} by these factors: {factors}" if factors else f"the mix is in balance{where}"
        )
        self.said.append(said)
        both = balanced([*mix, *own], found, per)
        return list(both[: len(mix)]), list(both[len(mix) :])

    def placed(self, uses: Iterable[LoraUse]) -> list[WeightedAdapter]:
        """Return LoRAs opened, with their strengths."""
        opened = self.measuring.placed(uses)
        return [replace(one, crop=self.crop).unmasked_if_everywhere() if one.strength.mask else one for one in opened]

    def joined(self, stack: Stack, more: Sequence[WeightedAdapter]) -> Stack:
        """Return a row's mix with what acts besides, such as the LoRAs of a region."""
        method = find_method(self.settings.method)
        return Stack((*stack.placed, *more), method=SUM if blend_of(method).arrange else method)

    def _routed(self, adapters: Sequence[MappedAdapter], *, ridge: float) -> Sequence[MappedAdapter]:
        fitted, digest = self.measuring.routed(adapters, self.settings, ridge=ridge)
        self.matrices.append(digest)
        return fitted

    def _encoded(self, text: str) -> Tensor:
        condition = Condition(pieces=(Words(text=text),), stack=Stack())
        return self.measuring.loaded.texts.encode(condition, self.settings).tokens


def _plain(text: Sequence[Part]) -> str:
    """Return the words of a text without their weights."""
    pieces = (piece.text for part in text for piece in part.text if isinstance(piece, Words))
    return ", ".join(" ".join(piece.split()) for piece in pieces)
