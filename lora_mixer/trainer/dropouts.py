"""What of adapters is left out at random while they learn, by sd-scripts' and LyCORIS's names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropouts:
    """Shares, 0 to below 1, each drawn anew at every step.

    Attributes:
        outputs: Of the numbers between A and B, the rest enlarged (Srivastava et al. 2014); of plain LoRAs only.
        ranks: Of whole ranks, picture by picture, the rest enlarged; of other kinds: of the change's rows.
        modules: Of layers, which then compute as without an adapter.
    """

    outputs: float = 0.0
    ranks: float = 0.0
    modules: float = 0.0


NOTHING = Dropouts()
"""All of every adapter acts."""
