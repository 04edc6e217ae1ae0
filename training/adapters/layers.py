"""The adapters' algebra: three kinds of factors, each able to say the weight change it stands for.

W is the weight of a linear layer (out, in) or of a convolution (out, in, k, k); D is what is added to it at strength 1.
LoRA: Hu et al. 2021 (arXiv:2106.09685). LoHa and LoKr: Yeh et al. 2023 (arXiv:2309.14859).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from typing_extensions import override

from training.adapters.names import Layer


class Factors(nn.Module, ABC):
    """The trained tensors of one layer."""

    def __init__(self, layer: Layer, *, rank: int, alpha: float) -> None:
        """Remember the layer's shape and the scale ``alpha / rank``."""
        super().__init__()
        self.shape = layer.weight.shape
        self.rank = rank
        self.alpha = alpha

    @property
    def scale(self) -> float:
        """What the product of the factors is multiplied with."""
        return self.alpha / self.rank

    @abstractmethod
    def delta(self) -> Tensor:
        """The weight change D, in the layer's shape."""

    @abstractmethod
    def slots(self) -> dict[str, Tensor]:
        """The tensors by the suffix they have in a file."""


class Lora(Factors):
    """``D = alpha / r * B A``; on a k x k convolution A is a k x k convolution to r channels and B a 1 x 1."""

    def __init__(self, layer: Layer, *, rank: int, alpha: float) -> None:
        """A starts uniform as a linear layer would, B at zero."""
        super().__init__(layer, rank=rank, alpha=alpha)
        out, *rest = self.shape
        self.down = nn.Parameter(torch.empty(rank, *rest))
        self.up = nn.Parameter(torch.zeros(out, rank, *(1 for _ in rest[1:])))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    @override
    def delta(self) -> Tensor:
        return (self.up.flatten(1) @ self.down.flatten(1)).reshape(self.shape) * self.scale

    @override
    def slots(self) -> dict[str, Tensor]:
        return {"lora_down.weight": self.down, "lora_up.weight": self.up}


class Loha(Factors):
    """``D = alpha / r * (W1a W1b) * (W2a W2b)``, the outer star elementwise."""

    def __init__(self, layer: Layer, *, rank: int, alpha: float) -> None:
        """LyCORIS's start: W2a at zero, the others normal."""
        super().__init__(layer, rank=rank, alpha=alpha)
        out, inner = self.shape[0], math.prod(self.shape[1:])
        self.w1_a, self.w1_b = nn.Parameter(torch.randn(out, rank) * 0.1), nn.Parameter(torch.randn(rank, inner))
        self.w2_a, self.w2_b = nn.Parameter(torch.zeros(out, rank)), nn.Parameter(torch.randn(rank, inner))

    @override
    def delta(self) -> Tensor:
        return ((self.w1_a @ self.w1_b) * (self.w2_a @ self.w2_b)).reshape(self.shape) * self.scale

    @override
    def slots(self) -> dict[str, Tensor]:
        return {f"hada_{name}": getattr(self, name) for name in ("w1_a", "w1_b", "w2_a", "w2_b")}


class Lokr(Factors):
    """``D = alpha / r * kron(W1, W2a W2b)`` with a small square-ish W1."""

    def __init__(self, layer: Layer, *, rank: int, alpha: float, factor: int = 4) -> None:
        """W1 starts normal and W2a at zero."""
        super().__init__(layer, rank=rank, alpha=alpha)
        out, inner = self.shape[0], self.shape[1]
        if len(self.shape) > 2 and self.shape[2] > 1:
            raise ValueError("LoKr is trained on linear layers and 1x1 convolutions only")
        self.w1 = nn.Parameter(torch.randn(math.gcd(out, factor), math.gcd(inner, factor)) * 0.5)
        self.w2_a = nn.Parameter(torch.zeros(out // self.w1.shape[0], rank))
        self.w2_b = nn.Parameter(torch.randn(rank, inner // self.w1.shape[1]) * 0.3)

    @override
    def delta(self) -> Tensor:
        return torch.kron(self.w1, self.w2_a @ self.w2_b).reshape(self.shape) * self.scale

    @override
    def slots(self) -> dict[str, Tensor]:
        return {"lokr_w1": self.w1, "lokr_w2_a": self.w2_a, "lokr_w2_b": self.w2_b}


KINDS: dict[str, type[Factors]] = {"lora": Lora, "loha": Loha, "lokr": Lokr}
"""The kinds this trainer can train."""
