"""What an adapter's tensors are before training: fresh factors whose change is exactly zero."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Generator, Tensor

from lora_mixer.adapters.shapes import columns
from lora_mixer.errors import RequestError
from lora_mixer.modules import Shape

LOKR_FACTOR = 8
"""The largest side of LoKr's outer matrix, unless another is asked for."""


def start(
    kind: str,
    weight_shape: Shape,
    rank: int,
    *,
    alpha: float | None = None,
    generator: Generator | None = None,
    factor: int = LOKR_FACTOR,
) -> dict[str, Tensor]:
    """Return a group of slots, float32 on the CPU, that `make_layer` takes and that changes nothing yet.

    Args:
        kind: `lora` (on a convolution: LoCon), `loha` or `lokr`.
        weight_shape: (out, in) of a linear layer, (out, in, kh, kw) of a convolution.
        rank: The rank; where a side of the layer is smaller, that side, with the scale as it would have been.
        alpha: What is written as alpha; the rank if None, so that the scale is 1.
        generator: Where the numbers come from; torch's own if None.
        factor: The largest side of LoKr's outer matrix.

    Raises:
        RequestError: There is no such kind to train, or the rank is below 1.
    """
    if kind not in STARTS:
        raise RequestError(f"adapters of kind {kind!r} are not trained here", remedy=f"Use one of {', '.join(STARTS)}.")
    if rank < 1:
        raise RequestError(f"rank {rank} is below 1", remedy="Use 4 to 64.")
    scale = 1.0 if alpha is None else alpha / rank
    rank = min(rank, weight_shape[0], columns(weight_shape))
    slots = STARTS[kind](weight_shape, rank, factor, generator)
    return {**slots, "alpha": torch.tensor(scale * rank)}


def magnitudes(weight: Tensor) -> Tensor:
    """Return DoRA's first magnitudes (out, 1[, 1, 1]): the norms of the weight itself, so that nothing changes yet.

    Source: DoRA, arXiv 2402.09353, section 4.1: m = ||W0||, here one an output, LyCORIS's axis since 3.2 and PEFT's.
    """
    norms: Tensor = torch.linalg.vector_norm(weight.float().flatten(1), dim=1)
    return norms.reshape(-1, *[1] * (weight.ndim - 1))


def _lora(shape: Shape, rank: int, _factor: int, generator: Generator | None) -> dict[str, Tensor]:
    """B = 0; A uniform as torch starts a layer of its shape (LoRA's own code, sd-scripts, PEFT)."""
    ones = (1,) * (len(shape) - 2)
    return {"down": _uniform((rank, *shape[1:]), generator), "up": torch.zeros(shape[0], rank, *ones)}


def _loha(shape: Shape, rank: int, _factor: int, generator: Generator | None) -> dict[str, Tensor]:
    """B2 = 0; B1 of deviation 0.1, both A of 1 (LyCORIS `modules/loha.py`)."""
    inner = columns(shape)
    return {
        "w1_a": _normal((shape[0], rank), 0.1, generator),
        "w1_b": _normal((rank, inner), 1.0, generator),
        "w2_a": torch.zeros(shape[0], rank),
        "w2_b": _normal((rank, inner), 1.0, generator),
    }


def _lokr(shape: Shape, rank: int, factor: int, generator: Generator | None) -> dict[str, Tensor]:
    """M = 0; C uniform. M is whole where two factors of this rank would be as large (LyCORIS `modules/lokr.py`)."""
    rows, cols = _divisor(shape[0], factor), _divisor(shape[1], factor)
    out, inner = shape[0] // rows, shape[1] // cols
    outer = {"k1": _uniform((rows, cols), generator)}
    if rank * 2 >= max(out, inner):
        return {**outer, "k2": torch.zeros(out, inner, *shape[2:])}
    return {
        **outer,
        "k2_a": torch.zeros(out, rank),
        "k2_b": _uniform((rank, inner * math.prod(shape[2:])), generator),
    }


STARTS: Mapping[str, Callable[[Shape, int, int, Generator | None], dict[str, Tensor]]] = MappingProxyType(
    {"lora": _lora, "loha": _loha, "lokr": _lokr}
)
"""The kinds that can be trained -> their fresh slots for a weight's shape, a rank and LoKr's factor."""


def _uniform(shape: Shape, generator: Generator | None) -> Tensor:
    """Return a uniform tensor with the bound of torch's own layers: 1 / sqrt(inputs)."""
    bound = 1 / math.sqrt(max(columns(shape), 1))
    return torch.empty(shape).uniform_(-bound, bound, generator=generator)


def _normal(shape: Shape, deviation: float, generator: Generator | None) -> Tensor:
    return torch.empty(shape).normal_(0, deviation, generator=generator)


def _divisor(number: int, most: int) -> int:
    """Return the largest divisor up to `most`."""
    return next(divisor for divisor in range(min(most, number), 0, -1) if number % divisor == 0)
