"""SSR-Merge: subspace signal routing (Wei et al. 2026, arXiv:2606.10617, section 3, and the authors' code).

On a layer with adapters D_k = B_k A_k, A = [A_1; ...; A_K] (R, in) and z = A x (R,), the sum gives every adapter what every
other one's pictures bring to its subspace. From one calibration step under each adapter alone, x_k its inputs and z_k = A x_k,

    G   = sum_k z_k z_k^T                    (R, R)
    Q   = [A_1 x_1 z_1^T; ...; A_K x_K z_K^T]    (R, R): an adapter's rows are from its own run
    Rho = Q (G + lambda I)^-1                (R, R)

is the least-squares guess, from what all adapters receive together, of what each receives when it acts alone, and

    W = W0 + sum_k s_k B_k (Rho A)_k

Each adapter keeps its B_k and gets the rows (Rho A)_k for its A_k, so that what follows is the sum of such adapters. lambda is
`ridge`. The paper has no strengths: here they weigh what comes out. z is brought to unit size first, rank by rank, since A
and B of a file may be scaled against each other at will, and lambda would mean another thing each time. Convolutions
are taken like linear layers, their z a vector at each place. Layers that only one adapter changes, changes that have no thin
factors, and text encoders are summed as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn

from lora_mixer.adapters import Factors, Layer, make_layer
from lora_mixer.blend.arrange import MixRow, Placed, Scene
from lora_mixer.blend.layer_ops import operator_of
from lora_mixer.mapping import MappedAdapter
from lora_mixer.models import Model
from lora_mixer.modules import DENOISER, ModuleName

Squares = dict[ModuleName, list[Tensor]]
"""By layer, for each adapter's run the mean of z z^T, (R, R)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """Adapters with factors that were fitted to each other.

    Attributes:
        adapters: They, in the order they were given.
        sha256: The digest of all matrices Rho.
    """

    adapters: tuple[MappedAdapter, ...]
    sha256: str


def arrange(mix: Sequence[Placed], scene: Scene) -> tuple[MixRow, ...]:
    """Return the mix with the adapters that act on the denoiser fitted to each other."""
    acting = [group for group in mix if sum(one.strength.of(DENOISER) for one in group) != 0.0]
    if len(acting) < 2:
        return (MixRow(tuple(one for group in mix for one in group)),)
    fitted = scene.route([group[0].adapter for group in acting])
    instead = {group[0].adapter.digest: adapter for group, adapter in zip(acting, fitted, strict=True)}
    placed = (one for group in mix for one in group)
    return (MixRow(tuple(replace(one, adapter=instead.get(one.adapter.digest, one.adapter)) for one in placed)),)


class Listener:
    """Gathers z z^T of the layers that several adapters change, one run after the other.

    Args:
        model: The model.
        adapters: The adapters.

    Attributes:
        squares: What was gathered.
    """

    def __init__(self, model: Model, adapters: Sequence[MappedAdapter]) -> None:
        self._model = model
        self._factors = shared_factors(adapters)
        self.squares: Squares = {name: [] for name in self._factors}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Gather one run's inputs within a `with` block; nothing stays on the model on any way out."""
        handles = []
        sums: dict[ModuleName, tuple[Tensor, int]] = {}
        try:
            for name, factors in self._factors.items():
                down = torch.cat([pair.down for pair in factors.values()])
                handles.append(self._attach(name, down, sums))
            yield
        finally:
            for handle in handles:
                handle.remove()
        for name, found in self.squares.items():
            total, count = sums[name]
            found.append(total / count)

    def _attach(
        self, name: ModuleName, down: Tensor, sums: dict[ModuleName, tuple[Tensor, int]]
    ) -> torch.utils.hooks.RemovableHandle:
        module = self._model.module(name)

        @torch.no_grad()
        def hear(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            operator, x = operator_of(module), inputs[0].float()
            z = operator.run(x, down.to(x.device), None).movedim(operator.axis, -1).flatten(0, -2).double()
            total, count = sums.get(name, (torch.zeros(len(down), len(down), dtype=torch.float64), 0))
            sums[name] = total + (z.T @ z).cpu(), count + len(z)

        return module.register_forward_pre_hook(hear)


def shared_factors(adapters: Sequence[MappedAdapter]) -> dict[ModuleName, dict[int, Factors]]:
    """Return the thin factors of the denoiser's layers that two adapters or more have some on, by the adapter's place."""
    found: dict[ModuleName, dict[int, Factors]] = {}
    for place, adapter in enumerate(adapters):
        for name, layer in adapter.layers.items():
            pair = layer.factors() if name.part == DENOISER and len(layer.weight_shape) > 1 else None
            if pair is not None:
                found.setdefault(name, {})[place] = pair
    return {name: found[name] for name in sorted(found) if len(found[name]) > 1}


def routed(adapters: Sequence[MappedAdapter], squares: Squares, *, ridge: float) -> Routed:
    """Return adapters with fitted factors.

    Args:
        adapters: The adapters.
        squares: What was gathered in each one's run.
        ridge: lambda.
    """
    layers: list[dict[ModuleName, Layer]] = [dict(adapter.layers) for adapter in adapters]
    digest = hashlib.sha256()
    for name, factors in shared_factors(adapters).items():
        ranks = [len(pair.down) for pair in factors.values()]
        matrix = router([squares[name][place] for place in factors], ranks, ridge=ridge)
        digest.update(f"{name}".encode() + matrix.numpy().tobytes())
        down = torch.cat([pair.down for pair in factors.values()])
        fitted = torch.tensordot(matrix, down, dims=1).split(ranks)
        for (place, pair), rows in zip(factors.items(), fitted, strict=True):
            layers[place][name] = _refitted(layers[place][name], Factors(down=rows, up=pair.up))
    sha256 = digest.hexdigest()
    return Routed(
        adapters=tuple(
            replace(adapter, digest=f"{adapter.digest}:{sha256[:16]}", layers=own)
            for adapter, own in zip(adapters, layers, strict=True)
        ),
        sha256=sha256,
    )


def router(squares: Sequence[Tensor], ranks: Sequence[int], *, ridge: float) -> Tensor:
    """Return Rho (R, R) in float32, from the z z^T of each adapter's run and its ranks."""
    gathered = torch.stack(list(squares)).sum(0)
    size = gathered.diagonal().sqrt()
    size = torch.where(size > 0, size, 1.0)
    edges = list(accumulate(ranks, initial=0))
    own = [square[low:high] for square, (low, high) in zip(squares, pairwise(edges), strict=True)]
    guide = torch.cat(own) / size / size[:, None]
    whole = gathered / size / size[:, None] + ridge * torch.eye(len(gathered), dtype=gathered.dtype)
    unit: Tensor = torch.linalg.solve(whole, guide.T).T
    return (unit * size[:, None] / size).float()


def _refitted(layer: Layer, factors: Factors) -> Layer:
    """Return a layer with other factors, its scale folded in, and the bias it had."""
    up = factors.up if len(layer.weight_shape) == 2 else factors.up[..., None, None]
    bias = layer.bias_change()
    slots = {"up": up, "down": factors.down} | ({} if bias is None else {"diff_b": bias})
    return make_layer(slots, layer.weight_shape, layer.weight_shape[:1])
