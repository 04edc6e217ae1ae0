"""One adapter on a model: factors by kohya name, put on and taken off exactly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from transformers import CLIPTextModel

from training.adapters.layers import KINDS, Factors
from training.adapters.names import Layer, text_targets, unet_targets
from training.adapters.recipes import Recipe
from training.networks import Unet


class Adapter(nn.Module):
    """The factors of every layer that a recipe names, and the layers they belong to."""

    def __init__(self, recipe: Recipe, text: CLIPTextModel, unet: Unet) -> None:
        """Make fresh factors: at first they change nothing."""
        super().__init__()
        self.targets: dict[str, Layer] = unet_targets(unet, conv=recipe.conv_rank > 0)
        if recipe.text:
            self.targets |= text_targets(text)
        kind = KINDS[recipe.kind]
        self.factors = nn.ModuleDict()
        for name, layer in self.targets.items():
            wide = isinstance(layer, nn.Conv2d) and layer.kernel_size != (1, 1)
            rank, alpha = (recipe.conv_rank, recipe.conv_alpha) if wide else (recipe.rank, recipe.alpha)
            self.factors[name] = kind(layer, rank=rank, alpha=alpha)

    def items(self) -> Iterator[tuple[str, Factors]]:
        """Names and factors, in the model's order."""
        for name, factors in self.factors.items():
            if isinstance(factors, Factors):
                yield name, factors

    @contextmanager
    def on(self, strength: float = 1.0) -> Iterator[None]:
        """Every target layer computes with ``W + strength * D`` inside the block, and as before after it.

        D stays part of the graph, so the same code trains the factors and shows what they do.
        """
        if strength == 0:
            yield
            return
        try:
            for name, factors in self.items():
                _use_changed_weight(self.targets[name], factors, strength)
            yield
        finally:
            for layer in self.targets.values():
                layer.__dict__.pop("forward", None)

    @torch.no_grad()
    def slots(self, dtype: torch.dtype = torch.float16) -> dict[str, Tensor]:
        """Every tensor of the adapter's file by its key, with a scalar ``alpha`` a layer."""
        tensors: dict[str, Tensor] = {}
        for name, factors in self.items():
            for slot, tensor in factors.slots().items():
                tensors[f"{name}.{slot}"] = tensor.detach().to(dtype).contiguous()
            tensors[f"{name}.alpha"] = torch.tensor(float(factors.alpha), dtype=dtype)
        return tensors


@contextmanager
def stacked(parts: list[tuple[Adapter, float]]) -> Iterator[None]:
    """Several adapters at once: every layer computes with ``W + sum of strength * D``."""
    layers: dict[int, tuple[Layer, Tensor]] = {}
    with torch.no_grad():
        for adapter, strength in parts:
            for name, factors in adapter.items():
                layer = adapter.targets[name]
                before = layers[id(layer)][1] if id(layer) in layers else layer.weight.detach().clone()
                layers[id(layer)] = (layer, before + strength * factors.delta())
    pristine = {key: layer.weight for key, (layer, _) in layers.items()}
    try:
        for layer, weight in layers.values():
            layer.weight = nn.Parameter(weight, requires_grad=False)
        yield
    finally:
        for key, (layer, _) in layers.items():
            layer.weight = pristine[key]


def _use_changed_weight(layer: Layer, factors: Factors, strength: float) -> None:
    def forward(states: Tensor, *_: object) -> Tensor:
        weight = layer.weight + strength * factors.delta()
        if isinstance(layer, nn.Linear):
            return F.linear(states, weight, layer.bias)
        return F.conv2d(states, weight, layer.bias, layer.stride, layer.padding)

    layer.__dict__["forward"] = forward
