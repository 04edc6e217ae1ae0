"""What an adapter's tensors are before training: fresh factors whose change is exactly zero."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from lora_mixer.adapters.kinds import KINDS
from lora_mixer.adapters.shapes import columns
from lora_mixer.errors import RequestError
from lora_mixer.forms import LOKR_FACTOR, TRAINED
from lora_mixer.modules import Shape


def start(
    kind: str,
    weight_shape: Shape,
    rank: int,
    *,
    alpha: float | None = None,
    generator: Generator | None = None,
    factor: int = LOKR_FACTOR,
    rs_lora: bool = False,
) -> dict[str, Tensor]:
    """Return a group of slots, float32 on the CPU, that `make_layer` takes and that changes nothing yet.

    Args:
        kind: A kind with an `init`: `lora` (on a convolution: LoCon), `loha` or `lokr`.
        weight_shape: (out, in) of a linear layer, (out, in, kh, kw) of a convolution.
        rank: The rank; where a side of the layer is smaller, that side, with the scale as it would have been.
        alpha: What is written as alpha; the rank if None, so that the scale is 1.
        generator: Where the numbers come from; torch's own if None.
        factor: The largest side of LoKr's outer matrix.
        rs_lora: Whether the scale is alpha / sqrt(rank) (Kalajdzievski 2023, arXiv:2312.03732, section 4); what is written
            as alpha is larger by sqrt(rank), so that every reader has it by alpha / rank, as LyCORIS writes it.

    Raises:
        RequestError: There is no such kind to train, or the rank is below 1.
    """
    init = next((row.init for row in KINDS if row.name == kind), None)
    if init is None:
        raise RequestError(
            f"adapters of kind {kind!r} are not trained here", remedy=f"Use one of {', '.join(TRAINED)}."
        )
    if rank < 1:
        raise RequestError(f"rank {rank} is below 1", remedy="Use 4 to 64.")
    scale = (1.0 if alpha is None else alpha / rank) * (math.sqrt(rank) if rs_lora else 1.0)
    rank = min(rank, weight_shape[0], columns(weight_shape))
    return {**init(weight_shape, rank, factor, generator), "alpha": torch.tensor(scale * rank)}


def magnitudes(weight: Tensor) -> Tensor:
    """Return DoRA's first magnitudes (out, 1[, 1, 1]): the norms of the weight itself, so that nothing changes yet.

    Source: DoRA, arXiv 2402.09353, section 4.1: m = ||W0||, here one an output, LyCORIS's axis since 3.2 and PEFT's.
    """
    norms: Tensor = torch.linalg.vector_norm(weight.float().flatten(1), dim=1)
    return norms.reshape(-1, *[1] * (weight.ndim - 1))
