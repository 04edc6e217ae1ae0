"""How pictures lie in memory inside the networks."""

from __future__ import annotations

import torch
from torch import Tensor


def laid_out(pictures: Tensor) -> Tensor:
    """Return pictures (n, c, h, w) as convolutions like them: in half precision, channels side by side.

    Networks pass the layout on from their input to their output; weights stay as they are.
    """
    return pictures if pictures.dtype is torch.float32 else pictures.contiguous(memory_format=torch.channels_last)
