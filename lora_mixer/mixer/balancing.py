"""Balanced strengths as numbers, to be looked at and moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lora_mixer.blend.balance import WHOLE, BlockSize, balanced, factors_of
from lora_mixer.choices import BY_BLOCK, OFF, find_balance
from lora_mixer.images import plain
from lora_mixer.mixer.measuring import Measuring
from lora_mixer.mixes import LoraUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """A mix whose strengths are balanced.

    Attributes:
        uses: Its LoRAs with balanced strengths, in the order they were given.
        factors: What strengths were multiplied by, by block (`IN04`, `te1`), or `mix` for one factor; 1 is left out.
        sizes: What the mix changed before, by block and for the whole model (`mix`).
    """

    uses: tuple[LoraUse, ...]
    factors: Mapping[str, float]
    sizes: Mapping[str, BlockSize]

    def table(self) -> str:
        """Return the factors as text, a line a block."""
        lines = [f"{'':6}  {'one LoRA':>9}  {'together':>9}  factor"]
        for block, size in self.sizes.items():
            factor = self.factors.get(block, self.factors.get(WHOLE, 1.0))
            lines.append(f"{block:6}  {size.largest:9.4f}  {size.together:9.4f}  {factor:g}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values for JSON; strengths as records have them."""
        return {
            "loras": [{"name": use.name, "strength": plain(use.strength)} for use in self.uses],
            "factors": dict(self.factors),
            "sizes": {
                block: {"largest": size.largest, "together": size.together} for block, size in self.sizes.items()
            },
        }


def balance_of(measuring: Measuring, uses: Iterable[LoraUse], per: str = BY_BLOCK) -> Balance:
    """Return LoRAs with balanced strengths; those for the negative prompt only stay as they are.

    Raises:
        RequestError: There is no such balance.
        AdapterError: A LoRA is unknown or does not fit.
    """
    kind, given = find_balance(per), tuple(uses)
    acting = [use for use in given if not use.strength.negative]
    mix = measuring.placed(acting)
    found = measuring.sizes(mix) if mix else {}
    factors = {} if kind == OFF else factors_of(found, kind)
    strengths = iter([one.strength for one in (mix if kind == OFF else balanced(mix, found, kind))])
    return Balance(
        uses=tuple(use if use.strength.negative else replace(use, strength=next(strengths)) for use in given),
        factors=factors,
        sizes=found,
    )
