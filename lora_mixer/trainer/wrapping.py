"""Trainable adapters on any module's linear and convolution layers: W stays, only the factors learn.

The article's recipe (LoRA, arXiv 2106.09685, section 4.1): freeze the model, add B A to chosen layers, begin with B = 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F  # noqa: N812

from lora_mixer.adapters import Layer, Weights, make_layer
from lora_mixer.adapters.starting import magnitudes, start
from lora_mixer.errors import RequestError
from lora_mixer.forms import LOKR_FACTOR
from lora_mixer.trainer.dropouts import NOTHING, Dropouts

Wrappable = nn.Linear | nn.Conv2d
Targets = Callable[[str, nn.Module], bool] | Iterable[str] | str
RankOf = Callable[[str, nn.Module], int]

_FIXED = frozenset({"alpha"})
"""Slots that no gradient reaches."""


@dataclass(frozen=True, slots=True)
class _Place:
    """One layer that learns: the module, its name, and its group of slots as trainable tensors."""

    name: str
    module: Wrappable
    layer: Layer

    def forward(self, strength: float, drops: Dropouts, inputs: Tensor) -> Tensor:
        """Return the module's output with W0 + strength * D in place of W0."""
        module = self.module
        if drops.modules and torch.rand(()) < drops.modules:
            return _linear_or_conv(module, inputs, module.weight, module.bias)
        if self.is_plain:
            whole = _linear_or_conv(module, inputs, module.weight, module.bias)
            return whole + self._beside(strength, drops, inputs)
        base = Weights(weight=module.weight, bias=None)
        change = self.layer.delta(base).weight
        if change is None:
            return _linear_or_conv(module, inputs, module.weight, module.bias)
        if drops.ranks:
            change = change * _kept((len(change), *[1] * (change.ndim - 1)), drops.ranks, change)
        weight = module.weight + (change * strength).to(module.weight.dtype)
        return _linear_or_conv(module, inputs, weight, module.bias)

    @property
    def is_plain(self) -> bool:
        """Whether it is B A alone, so that two thin products do."""
        return self.layer.kind.name == "lora" and self.layer.dora_axis is None

    def _beside(self, strength: float, drops: Dropouts, inputs: Tensor) -> Tensor:
        """Return strength * a/r B A x: two thin products are cheaper than one of the weight's size, and keep less.

        The factor goes onto the few numbers between A and B.
        """
        down, up = (self.layer.slots[name].to(inputs.dtype) for name in ("down", "up"))
        thin = _linear_or_conv(self.module, inputs, down, None)
        if drops.outputs:
            thin = F.dropout(thin, drops.outputs)
        if drops.ranks:
            ranks = (len(thin), thin.shape[1], 1, 1) if up.ndim == 4 else (len(thin), *[1] * (thin.ndim - 2), len(down))
            thin = thin * _kept(ranks, drops.ranks, thin)
        factor = self.layer.scale * strength
        if factor != 1:
            thin = thin * factor
        return F.linear(thin, up) if up.ndim == 2 else F.conv2d(thin, up)


class Wrapped(nn.Module):
    """Adapters on some layers of a model, ready to train. Made by `wrap`.

    The model's own parameters are frozen and never written; `on` lets the adapters act, `slots` is what a file holds.
    """

    def __init__(self, places: Iterable[tuple[str, Wrappable, Layer]]) -> None:
        super().__init__()
        self.trained = nn.ParameterDict()
        self._places: list[_Place] = []
        for number, (name, module, layer) in enumerate(places):
            learning = {
                slot: value if slot in _FIXED else nn.Parameter(value.to(module.weight.device))
                for slot, value in layer.slots.items()
            }
            for slot, value in learning.items():
                if isinstance(value, nn.Parameter):
                    self.trained[f"{number}_{slot}"] = value
            self._places.append(_Place(name, module, replace(layer, slots=learning)))

    def __len__(self) -> int:
        """Return the number of layers that learn."""
        return len(self._places)

    @property
    def names(self) -> tuple[str, ...]:
        """The layers' names, in the model's order."""
        return tuple(place.name for place in self._places)

    def onto(self, modules: Mapping[str, Wrappable]) -> Wrapped:
        """Return adapters of the same shapes and numbers on other modules, by the same names, where those lie."""
        return Wrapped(
            (place.name, modules[place.name], place.layer) for place in self._places if place.name in modules
        )

    @contextmanager
    def on(self, strength: float = 1.0, *, dropouts: Dropouts | None = None) -> Iterator[None]:
        """Let every layer compute with W0 + strength * D inside the block, and as before after it.

        Args:
            strength: How strongly; 0 is exactly the model.
            dropouts: What is left out at random; nothing if None.
        """
        if strength == 0:
            yield
            return
        before = [place.module.__dict__.get("forward") for place in self._places]
        try:
            for place in self._places:
                place.module.__dict__["forward"] = partial(place.forward, strength, dropouts or NOTHING)
            yield
        finally:
            for place, own in zip(self._places, before, strict=True):
                if own is None:
                    place.module.__dict__.pop("forward", None)
                else:
                    place.module.__dict__["forward"] = own

    def slots(self) -> Mapping[str, Mapping[str, Tensor]]:
        """Return every layer's slots by its name, detached: what `make_layer` takes, and what a file holds."""
        return {
            place.name: {slot: value.detach() for slot, value in place.layer.slots.items()} for place in self._places
        }

    def learning(self) -> Mapping[str, list[nn.Parameter]]:
        """Return every layer's trainable tensors by its name."""
        return {
            place.name: [value for value in place.layer.slots.values() if isinstance(value, nn.Parameter)]
            for place in self._places
        }

    @torch.no_grad()
    def load(self, groups: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Take over the slots of every layer, as `slots` gives them.

        Raises:
            RequestError: A layer is missing or too many, or a tensor has another shape.
        """
        odd = set(groups) ^ set(self.names)
        if odd:
            raise RequestError(f"these layers are not the adapter's: {', '.join(sorted(odd)[:5])}")
        for place in self._places:
            for slot, value in place.layer.slots.items():
                given = groups[place.name][slot]
                if given.shape != value.shape:
                    raise RequestError(f"{place.name}: {slot} has another shape", remedy="Train with the same rank.")
                value.copy_(given)


def wrap(
    module: nn.Module,
    *,
    rank: int | RankOf = 16,
    alpha: float | None = None,
    targets: Targets | None = None,
    kind: str = "lora",
    dora: bool = False,
    factor: int = LOKR_FACTOR,
    rs_lora: bool = False,
    generator: Generator | None = None,
) -> Wrapped:
    """Put trainable adapters on a module's linear and convolution layers, and freeze everything else.

    Args:
        module: Any module; its parameters get `requires_grad=False` and are never written.
        rank: The rank, or a function of a layer's name and the layer; 0 leaves the layer out.
        alpha: The scale is alpha / rank; the rank if None. A layer too small for the rank keeps the scale.
        targets: Which layers: a regular expression that is found in the name, names or their endings, or a function of
            name and layer; all linear and convolution layers if None.
        kind: `lora` (on a convolution: LoCon), `loha` or `lokr`.
        dora: Whether magnitudes are learned as well.
        factor: The largest side of LoKr's outer matrix.
        rs_lora: Whether the scale is alpha / sqrt(rank) (Kalajdzievski 2023, arXiv:2312.03732).
        generator: Where the first numbers come from.

    Returns:
        The adapters. Until they learn, the module computes exactly what it did.

    Raises:
        RequestError: No layer is meant, or the kind or rank is impossible.

    >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> adapters = wrap(net, rank=2)
    >>> adapters.names, sum(p.requires_grad for p in net.parameters())
    (('0', '2'), 0)
    >>> with adapters.on():
    ...     net(torch.ones(1, 4)).sum().backward()
    """
    module.requires_grad_(requires_grad=False)
    meant = _predicate(targets)
    layers = {
        name: layer for name, layer in module.named_modules() if isinstance(layer, Wrappable) and meant(name, layer)
    }
    return wrap_layers(
        layers, rank=rank, alpha=alpha, kind=kind, dora=dora, factor=factor, rs_lora=rs_lora, generator=generator
    )


def wrap_layers(
    layers: Mapping[str, Wrappable],
    *,
    rank: int | RankOf = 16,
    alpha: float | None = None,
    kind: str = "lora",
    dora: bool = False,
    factor: int = LOKR_FACTOR,
    rs_lora: bool = False,
    generator: Generator | None = None,
) -> Wrapped:
    """Put trainable adapters on some layers by name, and freeze them; see `wrap`.

    Raises:
        RequestError: There is no layer, or the kind or rank is impossible.
    """
    places = []
    for name, layer in layers.items():
        layer.requires_grad_(requires_grad=False)
        wanted = rank(name, layer) if callable(rank) else rank
        if (wanted == 0 and callable(rank)) or (isinstance(layer, nn.Conv2d) and layer.groups != 1):
            continue  # no file format says what a rank of a grouped convolution would be
        shape = tuple(layer.weight.shape)
        slots = start(kind, shape, wanted, alpha=alpha, generator=generator, factor=factor, rs_lora=rs_lora)
        if dora:
            slots["dora_scale"] = magnitudes(layer.weight)
        bias = None if layer.bias is None else tuple(layer.bias.shape)
        places.append((name, layer, make_layer(slots, shape, bias)))
    if not places:
        raise RequestError("no layer is to be trained", remedy="Name targets that are in the model.")
    return Wrapped(places)


def _predicate(targets: Targets | None) -> Callable[[str, nn.Module], bool]:
    if targets is None:
        return lambda _name, _layer: True
    if callable(targets):
        return targets
    if isinstance(targets, str):
        pattern = re.compile(targets)
        return lambda name, _layer: pattern.search(name) is not None
    endings = tuple(targets)
    return lambda name, _layer: any(name == ending or name.endswith(f".{ending}") for ending in endings)


def _linear_or_conv(module: Wrappable, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return a product with a weight of the module's inputs, stride and padding."""
    if isinstance(module, nn.Linear):
        return F.linear(inputs, weight, bias)
    convolved: Tensor = module._conv_forward(inputs, weight, bias)  # noqa: SLF001 - its padding mode, as it has it
    return convolved


def _kept(shape: tuple[int, ...], share: float, like: Tensor) -> Tensor:
    """Return ones, with a share of zeros, enlarged by what is left out."""
    return (torch.rand(shape, device=like.device) >= share).to(like.dtype) / (1 - share)
