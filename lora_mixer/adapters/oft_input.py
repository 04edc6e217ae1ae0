"""OFTv2: the inputs of W0 turned by block-diagonal rotations, as PEFT and OneTrainer train it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lora_mixer.adapters.kind import Kind
from lora_mixer.adapters.modifiers import number
from lora_mixer.adapters.shapes import broken, columns, require_axes, require_equal
from lora_mixer.adapters.slots import Slots
from lora_mixer.forms import form_named
from lora_mixer.modules import Shape

TERMS = 5
"""Terms of the Neumann series where nothing says how many: PEFT's default, and what OneTrainer always takes."""


def _block_size(numbers: int) -> int:
    """Return b of the b(b-1)/2 numbers above a skew matrix's diagonal."""
    size = (1 + math.isqrt(1 + 8 * numbers)) // 2
    if size * (size - 1) // 2 != numbers:
        raise broken(f"`oft_r` has {numbers} numbers a block, which are those of no triangle")
    return size


def _check(slots: Slots, weight_shape: Shape) -> None:
    blocks, numbers = require_axes(slots, "oft_r", 2)
    size, inputs = _block_size(numbers), columns(weight_shape)
    if blocks > 1 or inputs % size:
        require_equal("blocks times block size of `oft_r` against the layer's inputs", blocks * size, inputs)
    for name in ("terms", "coft"):
        number(slots, name)


def _rotations(slots: Slots) -> Tensor:
    """Return R (blocks, b, b): the Cayley transform of a skew Q by its Neumann series, or exactly where terms are 0.

    (I + Q)(I - Q)^-1 = I + 2Q + 2Q^2 + 2Q^3 + ..; the series is cut after Q^(n-1), of which only one is taken. Source:
    OFTv2, arXiv 2506.19847, section 4.2; PEFT `tuners/oft/layer.py` (`_cayley_batch`, `_project_batch`).
    """
    values = slots["oft_r"]
    size = _block_size(values.shape[1])
    rows, cols = torch.triu_indices(size, size, 1, device=values.device)
    skew = values.new_zeros(len(values), size, size).index_put(
        (torch.arange(len(values), device=values.device)[:, None], rows, cols), values
    )
    skew = _bounded(skew - skew.transpose(-1, -2), slots)
    unit = torch.eye(size, dtype=skew.dtype, device=skew.device)
    given = number(slots, "terms")
    terms = TERMS if given is None else int(given)
    rotations: Tensor = (
        unit + _series(skew, terms) if terms else torch.linalg.solve(unit + skew, unit - skew, left=False)
    )
    return rotations


def _bounded(skew: Tensor, slots: Slots) -> Tensor:
    """Return Q as the file's kind of training sees it: divided in scaled OFT, held to a norm in constrained OFT."""
    if number(slots, "scaled_oft"):  # OneTrainer `oft_utils.py`
        return skew / (2 * math.sqrt(max(skew.shape[-1] - 1, 1)))
    bound = number(slots, "coft")
    if bound is None:
        return skew
    limit = bound / math.sqrt(len(skew))
    norms: Tensor = torch.linalg.vector_norm(skew, dim=(1, 2), keepdim=True)
    return skew * (limit / norms.clamp(min=limit))


def _series(skew: Tensor, terms: int) -> Tensor:
    """Return the series without its first term, the identity."""
    if terms == 1:
        return torch.zeros_like(skew)
    total = 2 * skew
    if terms == 2:
        return total
    power = skew @ skew
    total = total + 2 * power
    for _ in range(3, terms - 1):
        power = power @ skew
        total = total + 2 * power
    return total + power @ skew


def _change(slots: Slots, weight: Tensor) -> Tensor:
    rotations = _rotations(slots)
    size = rotations.shape[-1]
    blocks = weight.reshape(len(weight), -1, size)
    if weight.ndim == 4 and "terms" not in slots:
        rotations = rotations.transpose(1, 2)
    if len(rotations) == 1:
        turned = torch.einsum("orc,kc->ork", blocks, rotations[0])
    else:
        turned = torch.einsum("orc,rkc->ork", blocks, rotations)
    return turned.reshape(weight.shape) - weight


OFT_INPUT = Kind(
    form=form_named("oftv2"),
    linear=False,
    check=_check,
    change=_change,
)
"""f(W0) = W0 R^T over its flattened inputs, so that the layer sees x R; R block-diagonal from `oft_r` (blocks, b(b-1)/2).

Source: OFTv2, arXiv 2506.19847; PEFT `tuners/oft/layer.py`; OneTrainer `modules/module/oft_utils.py`. One row of `oft_r`
serves all blocks (block share). `scaled_oft` is OneTrainer's mark of a Q that is divided by 2 sqrt(b - 1); `terms` and
`coft` (the bound of constrained OFT) are PEFT's settings. On convolutions OneTrainer turns the weight itself, W0 R; PEFT,
whose files have settings, merges W0 R^T. alpha says nothing.
"""
