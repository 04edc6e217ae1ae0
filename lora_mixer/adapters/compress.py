"""A change of a weight as two thin factors of a chosen rank: exact where it fits, else the nearest there is.

The nearest matrix of rank r in the Frobenius norm keeps the r largest singular values (Eckart and Young 1936), and
what is left out is the sum of the squares of the others. Computed in float64.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Compressed(NamedTuple):
    """Factors D' = up @ down of a change D."""

    down: Tensor  # (r, columns), float32
    up: Tensor  # (out, r), float32
    whole: float  # the squared Frobenius norm of D
    lost: float  # that of D - D'; 0 if D' is D


def compress_factors(up: Tensor, down: Tensor, rank: int) -> Compressed:
    """Return D = up @ down, (out, R) by (R, columns), at a rank: the factors themselves if R is no more than it."""
    outer, inner = torch.linalg.qr(up.double()), torch.linalg.qr(down.double().T)
    if up.shape[1] <= rank:
        return Compressed(down=down.float(), up=up.float(), whole=_square(outer.R @ inner.R.T), lost=0.0)
    left, values, right = torch.linalg.svd(outer.R @ inner.R.T, full_matrices=False)
    kept = _balanced(outer.Q @ left[:, :rank], values[:rank], right[:rank] @ inner.Q.T)
    return Compressed(*kept, whole=_square(values), lost=_square(values[rank:]))


def compress_matrix(change: Tensor, rank: int) -> Compressed:
    """Return a change (out, columns) at a rank, by the eigenvectors of D D^T or D^T D, whichever is smaller."""
    matrix = change.double()
    if matrix.shape[0] > matrix.shape[1]:
        turned = compress_matrix(matrix.T, rank)
        return turned._replace(down=turned.up.T.contiguous(), up=turned.down.T.contiguous())
    squares, vectors = torch.linalg.eigh(matrix @ matrix.T)
    left, values = vectors.flip(1)[:, :rank], squares.flip(0).clamp(min=0).sqrt()
    kept = _balanced(left, values[:rank], left.T @ matrix / values[:rank, None].clamp(min=1e-30))
    return Compressed(*kept, whole=_square(matrix), lost=_square(values[rank:]))


def _balanced(left: Tensor, values: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Return (down, up), each singular value shared evenly between the two."""
    roots = values.sqrt()
    return (roots[:, None] * right).float(), (left * roots).float()


def _square(tensor: Tensor) -> float:
    return float(tensor.square().sum())
