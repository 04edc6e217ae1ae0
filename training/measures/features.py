"""Numbers that describe pictures: edges and the colour that covers most."""

from __future__ import annotations

from torch import Tensor

from training.colours import NAMES, colour_shares
from training.styles import luminance


def edge_energy(pictures: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels' luma, (N,): what blur lowers."""
    tone = luminance(pictures)
    return tone.diff(dim=-1).abs().mean((1, 2, 3)) + tone.diff(dim=-2).abs().mean((1, 2, 3))


def dominant_colour(pictures: Tensor, *, margin: float = 0.12) -> list[str]:
    """The chromatic word that covers most of each subject on white; black, grey and white are outlines and paper."""
    mask = ((1 - pictures).amax(1) > margin).float()
    shares = colour_shares(pictures, mask)
    for word in ("white", "grey", "black"):
        shares[:, NAMES.index(word)] = -1
    return [NAMES[index] for index in shares.argmax(1).tolist()]
