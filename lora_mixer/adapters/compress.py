"""A change of a weight as two thin factors of a chosen rank: exact where it fits, else the nearest there is.

The nearest matrix of rank r in the Frobenius norm keeps the r largest singular values (Eckart and Young 1936), and
what is left out is the sum of the squares of the others. Computed in float64. Where a matrix is large and the rank is not,
its range is found from products with a few random vectors (Halko, Martinsson and Tropp 2011, arXiv:0909.4061, algorithms
4.4 and 5.1), the same ones each time.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor

LARGE = 256
"""From this side on singular values are found from random products, if the rank is an eighth of it at most."""
OVERSAMPLED = 16
POWERS = 4
"""Random vectors beyond the rank, and how often the matrix is applied to sharpen its spectrum."""


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


def compress_matrix(change: Tensor, rank: int, *, share: float = 1.0, exactly: bool = True) -> Compressed:
    """Return a change (out, columns) at a rank.

    Args:
        change: D.
        rank: The most ranks.
        share: As few ranks are taken as hold this share of the squared Frobenius norm of D.
        exactly: Whether all singular values are computed, by the eigenvectors of D D^T or D^T D, whichever is smaller;
            otherwise only the largest, where that is cheaper: nearest up to some millionths.
    """
    matrix = change.double()
    if matrix.shape[0] > matrix.shape[1]:
        turned = compress_matrix(matrix.T, rank, share=share, exactly=exactly)
        return turned._replace(down=turned.up.T.contiguous(), up=turned.down.T.contiguous())
    thin = not exactly and matrix.shape[0] >= max(LARGE, 8 * rank)
    left, values, right = _largest(matrix, rank) if thin else _all(matrix)
    whole = _square(matrix)
    kept = _ranks(values[:rank], share, whole)
    lost = max(whole - _square(values[:kept]), 0.0) if thin else _square(values[kept:])
    return Compressed(*_balanced(left[:, :kept], values[:kept], right[:kept]), whole=whole, lost=lost)


def _all(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return all singular vectors and values of a matrix (n, m), n <= m."""
    squares, vectors = torch.linalg.eigh(matrix @ matrix.T)
    left, values = vectors.flip(1), squares.flip(0).clamp(min=0).sqrt()
    return left, values, left.T @ matrix / values[:, None].clamp(min=1e-30)


def _largest(matrix: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the `count` largest singular values of a matrix (n, m), n <= m, with their vectors."""
    generator = Generator(matrix.device).manual_seed(0)
    width = min(count + OVERSAMPLED, matrix.shape[0])
    seen = torch.randn(matrix.shape[1], width, dtype=matrix.dtype, device=matrix.device, generator=generator)
    basis = torch.linalg.qr(matrix @ seen).Q
    for _ in range(POWERS):
        basis = torch.linalg.qr(matrix @ torch.linalg.qr(matrix.T @ basis).Q).Q
    left, values, right = torch.linalg.svd(basis.T @ matrix, full_matrices=False)
    return basis @ left[:, :count], values[:count], right[:count]


def _ranks(values: Tensor, share: float, whole: float) -> int:
    """Return how many of the largest singular values hold a share of all; at least one."""
    if share >= 1:
        return len(values)
    return min(int((values.square().cumsum(0) < share * whole).sum()) + 1, len(values))


def _balanced(left: Tensor, values: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Return (down, up), each singular value shared evenly between the two."""
    roots = values.sqrt()
    return (roots[:, None] * right).float(), (left * roots).float()


def _square(tensor: Tensor) -> float:
    return float(tensor.square().sum())
