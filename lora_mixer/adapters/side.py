"""Side forms: what to add to a layer's output instead of changing its weight.

A module's new output is y' = y + sum_i s_i g_i(x, y), exactly what the weight W0 + sum_i s_i D_i would give. x is the
module's input, y its untouched output (bias included). Each term below is one shape that g can have; several terms
of one adapter are added up. Strengths are per image: (batch,) for a term, (batch, rank) for `LowRank`, so that the
low-rank terms of any number of adapters run as one (`concatenate`) with each adapter's strength on its own ranks.
Strengths that already have the output's number of axes (a mask, say) are multiplied as they are.

Everything here runs under torch.compile: no step depends on a value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from lora_mixer.adapters.shapes import flat
from lora_mixer.adapters.slots import Axis


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerOp:
    """The module a side form stands beside, reduced to what the algebra needs."""

    run: Callable[[Tensor, Tensor, Tensor | None], Tensor]
    """The module's operation with another weight and bias: `F.linear`, or `F.conv2d` with its stride and padding."""

    weight: Tensor
    bias: Tensor | None

    def channels(self, vector: Tensor) -> Tensor:
        """Return a vector over channels, shaped to broadcast over x or y."""
        return vector.reshape(-1, 1, 1) if self.weight.ndim == 4 else vector

    @property
    def axis(self) -> int:
        """The channel axis of x and y."""
        return 1 if self.weight.ndim == 4 else -1

    def unbiased(self, y: Tensor) -> Tensor:
        """Return the output without its bias: W0 x."""
        return y if self.bias is None else y - self.channels(self.bias)


def on_batch(strengths: Tensor, like: Tensor, axis: int) -> Tensor:
    """Return strengths (batch,) or (batch, channels) shaped to multiply a tensor of which they are batch and channels."""
    if strengths.ndim == like.ndim:
        return strengths
    if strengths.ndim == 1:
        return strengths.reshape(-1, *[1] * (like.ndim - 1))
    between = [1] * (like.ndim - 2)
    shape = (len(strengths), -1, *between) if axis == 1 else (len(strengths), *between, -1)
    return strengths.reshape(shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class LowRank:
    """g = B A x, with A `down` (r, in[, kh, kw]) run as the module's own operation and B `up` (out, r) on channels."""

    down: Tensor
    up: Tensor

    @property
    def rank(self) -> int:
        """How many strengths a row of the batch has."""
        return self.down.shape[0]

    def forward(self, x: Tensor, y: Tensor, op: LayerOp, strengths: Tensor) -> Tensor:  # noqa: ARG002
        """Return s * g(x, y), strengths (batch, r)."""
        hidden = op.run(x, self.down, None)
        hidden = hidden * on_batch(strengths, hidden, op.axis)
        return F.conv2d(hidden, self.up[:, :, None, None]) if op.axis == 1 else F.linear(hidden, self.up)

    def added(self, total: Tensor, x: Tensor, op: LayerOp, strengths: Tensor) -> Tensor:
        """Return total + s * g(x), strengths (batch, r): total is written over where its memory allows one product."""
        hidden = op.run(x, self.down, None)
        hidden = hidden.mul_(on_batch(strengths, hidden, op.axis))
        if op.axis == -1:
            return _product_added(total, hidden, self.up)
        summed = _product_added(total.permute(0, 2, 3, 1), hidden.permute(0, 2, 3, 1), self.up)
        return summed.permute(0, 3, 1, 2)

    def along(self, axis: Axis, gain: Tensor) -> LowRank:
        """Return the term with D's rows (`out`) or columns (`in`) multiplied by a vector."""
        if axis == "out":
            return replace(self, up=self.up * gain[:, None])
        return replace(self, down=self.down * gain.reshape(-1, *[1] * (self.down.ndim - 2)))


def _product_added(total: Tensor, hidden: Tensor, up: Tensor) -> Tensor:
    """Return total + hidden up^T, channels last; in place, as one product with one rounding, if both lie in one piece."""
    if total.is_contiguous() and hidden.is_contiguous():
        total.view(-1, total.shape[-1]).addmm_(hidden.view(-1, hidden.shape[-1]), up.T)
        return total
    return total + F.linear(hidden, up)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kronecker:
    """g = (C kron M) x as two small products: x as a matrix (c, d) of channels becomes C x M^T.

    Shapes: `outer` C (a, c), `inner` M (b, d[, kh, kw]), with out = a b and in = c d. `before` and `after` are
    optional factors on the input's and output's channels.
    """

    outer: Tensor
    inner: Tensor
    before: Tensor | None = None
    after: Tensor | None = None

    def forward(self, x: Tensor, y: Tensor, op: LayerOp, strengths: Tensor) -> Tensor:  # noqa: ARG002
        """Return s * g(x, y), strengths (batch,)."""
        columns = self.outer.shape[1]
        if self.before is not None:
            x = x * op.channels(self.before)
        if op.axis == 1:
            inner = op.run(x.reshape(-1, x.shape[1] // columns, *x.shape[2:]), self.inner, None)
            mixed = torch.einsum("ac,ncbhw->nabhw", self.outer, torch.unflatten(inner, 0, (-1, columns))).flatten(1, 2)
        else:
            inner = op.run(torch.unflatten(x, -1, (columns, -1)), self.inner, None)
            mixed = torch.einsum("ac,...cb->...ab", self.outer, inner).flatten(-2)
        if self.after is not None:
            mixed = mixed * op.channels(self.after)
        return mixed * on_batch(strengths, mixed, op.axis)

    def along(self, axis: Axis, gain: Tensor) -> Kronecker:
        """Return the term with D's rows (`out`) or columns (`in`) multiplied by a vector."""
        return replace(self, after=gain) if axis == "out" else replace(self, before=gain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """g = D x + d, a second run of the module's operation (convolution, product or normalisation)."""

    weight: Tensor
    bias: Tensor | None = None

    def forward(self, x: Tensor, y: Tensor, op: LayerOp, strengths: Tensor) -> Tensor:  # noqa: ARG002
        """Return s * g(x, y), strengths (batch,)."""
        change = op.run(x, self.weight, self.bias)
        return change * on_batch(strengths, change, op.axis)

    def along(self, axis: Axis, gain: Tensor) -> Dense:
        """Return the term with D's rows (`out`) or columns (`in`) multiplied by a vector."""
        lead = 1 if axis == "out" else 0
        return replace(self, weight=self.weight * gain.reshape(-1, *[1] * (self.weight.ndim - 2 + lead)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """g = d: the bias grows by a vector (out,)."""

    bias: Tensor

    def forward(self, x: Tensor, y: Tensor, op: LayerOp, strengths: Tensor) -> Tensor:  # noqa: ARG002
        """Return s * g(x, y), strengths (batch,)."""
        return op.channels(self.bias) * on_batch(strengths, y, op.axis)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputGain:
    """g = l (y - b): rows of W0 multiplied by 1 + l, read off the output. `gain` l (out,)."""

    gain: Tensor

    def forward(self, x: Tensor, y: Tensor, op: LayerOp, strengths: Tensor) -> Tensor:  # noqa: ARG002
        """Return s * g(x, y), strengths (batch,)."""
        return op.unbiased(y) * op.channels(self.gain) * on_batch(strengths, y, op.axis)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputGain:
    """g = W0 (l x): columns of W0 multiplied by 1 + l, at one more run of the module. `gain` l (in,)."""

    gain: Tensor

    def forward(self, x: Tensor, y: Tensor, op: LayerOp, strengths: Tensor) -> Tensor:  # noqa: ARG002
        """Return s * g(x, y), strengths (batch,)."""
        change = op.run(x * op.channels(self.gain), op.weight, None)
        return change * on_batch(strengths, change, op.axis)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """g = l R (y - b) - (y - b): the output's channels turned block by block, then multiplied.

    Shapes: `stages` (m, blocks, b, b), each stage block-diagonal; a `butterfly` regroups the channels before a stage
    and back after it (see `rotate`). `gain` l (out,) or None for 1.
    """

    stages: Tensor
    butterfly: bool
    gain: Tensor | None = None

    def forward(self, x: Tensor, y: Tensor, op: LayerOp, strengths: Tensor) -> Tensor:  # noqa: ARG002
        """Return s * g(x, y), strengths (batch,)."""
        plain = op.unbiased(y)
        turned = rotate(plain.movedim(op.axis, -1), self.stages, butterfly=self.butterfly).movedim(-1, op.axis)
        if self.gain is not None:
            turned = turned * op.channels(self.gain)
        return (turned - plain) * on_batch(strengths, y, op.axis)


def rotate(z: Tensor, stages: Tensor, *, butterfly: bool) -> Tensor:
    """Return z (..., out) with its last axis multiplied by the stages (m, blocks, b, b), the first one first.

    Stage i of a butterfly works on channels 2^i b/2 apart: (c, 2, k) is read as (c, k, 2) with k = 2^i b/2 and cut
    into blocks of b, and put back afterwards. Source: BOFT, arXiv 2311.06243, as LyCORIS regroups the channels.
    """
    size = stages.shape[-1]
    for index, blocks in enumerate(stages.unbind(0)):
        near = 2**index * size // 2
        if butterfly:
            z = torch.unflatten(z, -1, (-1, 2, near)).transpose(-2, -1).flatten(-3)
        z = torch.einsum("kmn,...kn->...km", blocks, torch.unflatten(z, -1, (-1, size))).flatten(-2)
        if butterfly:
            z = torch.unflatten(z, -1, (-1, near, 2)).transpose(-2, -1).flatten(-3)
    return z


Additive = LowRank | Kronecker | Dense
"""The terms that are D x for a D which does not read W0."""

SideTerm = Additive | Shift | OutputGain | InputGain | Rotation
"""One summand of a side form."""


def concatenate(terms: Sequence[LowRank]) -> LowRank:
    """Return one term that is all of them, joined along the rank in the order given.

    Factors in other shapes of one kernel (a 1x1 convolution written as a matrix) are brought to the first one's.
    """
    if len(terms) == 1:
        return terms[0]
    kernel = terms[0].down.shape[1:]
    return LowRank(
        down=torch.cat([flat(term.down).reshape(-1, *kernel) for term in terms]),
        up=torch.cat([term.up for term in terms], dim=1),
    )
