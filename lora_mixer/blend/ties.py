"""TIES: trim, elect sign, merge (Yadav et al. 2023, arXiv:2306.01708, section 4.2, Algorithm 1).

With tau_t = D_t the change of adapter t, lambda_t its strength and every line number by number (p):

    trim     tau^_t^p = tau_t^p if |tau_t^p| is among the top k % of |tau_t|, else 0
    elect    gamma^p  = sgn(sum_t lambda_t tau^_t^p)
    merge    tau^p    = mean of lambda_t tau^_t^p over the t in A^p, those whose sign is gamma^p
    W        = W0 + lambda tau

k is `density` (20 % in the paper) and lambda `scale`. The paper trims a whole model's change at once; here, as in
mergekit and PEFT, each parameter's is trimmed by itself, so that no module falls silent. The paper has no strengths:
they weigh the votes and the means alike, a negative one votes the other way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lora_mixer.blend.dense import ParameterChange


def resolve(parts: Sequence[ParameterChange], numbers: Mapping[str, float]) -> Tensor:
    """Return lambda tau for the changes of one parameter, each in the parameter's shape."""
    weighted = [trimmed(part.change, numbers["density"]) * part.strength for part in parts]
    elected = torch.stack(weighted).sum(0).sign_()
    total, voters = torch.zeros_like(elected), torch.zeros_like(elected)
    for change in weighted:
        agrees = (change.sign() == elected) & (change != 0)
        total += torch.where(agrees, change, 0)
        voters += agrees
    return total.div_(voters.clamp_(min=1)).mul_(numbers["scale"])


def trimmed(change: Tensor, density: float) -> Tensor:
    """Return a change with all but its largest numbers 0; of equals at the edge all stay."""
    size = change.numel()
    keep = max(1, math.ceil(density * size))
    if keep >= size:
        return change
    magnitude = change.abs()
    edge = magnitude.flatten().kthvalue(size - keep + 1).values
    return torch.where(magnitude >= edge, change, 0)
