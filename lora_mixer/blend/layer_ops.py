"""Modules as the algebra sees them: an operation that can run with another weight."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from lora_mixer.adapters import LayerOp, Weights
from lora_mixer.kernels import Packed

Run = Callable[[Tensor, Tensor, Tensor | None], Tensor]


def parameters_of(module: nn.Module) -> Weights:
    """Return a module's current weight and bias."""
    weight, bias = module.weight, getattr(module, "bias", None)
    if not isinstance(weight, Tensor):
        raise TypeError(f"{type(module).__name__} has no weight")
    return Weights(weight.data, bias.data if isinstance(bias, Tensor) else None)


def install(module: nn.Module, weights: Weights) -> None:
    """Install these parameters without copying. A bias the module was built without is added and removed with them."""
    if isinstance(module, Packed):
        module.packs.installed(weights.weight)
    if isinstance(module.weight, nn.Parameter):
        module.weight.data = weights.weight
    bias = getattr(module, "bias", None)
    if isinstance(bias, nn.Parameter) and weights.bias is not None:
        bias.data = weights.bias
    elif isinstance(module, nn.Linear | nn.Conv2d) and (bias is None) is not (weights.bias is None):
        module.bias = None if weights.bias is None else nn.Parameter(weights.bias, requires_grad=False)


def operator_of(module: nn.Module) -> LayerOp:
    """Return the operation a module performs.

    Raises:
        TypeError: Side paths do not know this type of module.
    """
    weights = parameters_of(module)
    return LayerOp(run=_run(module), weight=weights.weight, bias=weights.bias)


def _run(module: nn.Module) -> Run:
    match module:
        case nn.Linear():
            return F.linear
        case nn.Conv2d():
            return lambda x, w, b: F.conv2d(x, w, b, module.stride, module.padding, module.dilation, module.groups)
        case nn.Embedding():
            return lambda x, w, _: F.embedding(x, w)
        case nn.LayerNorm():
            return lambda x, w, b: F.layer_norm(x, module.normalized_shape, w, b, module.eps)
        case nn.GroupNorm():
            return lambda x, w, b: F.group_norm(x, module.num_groups, w, b, module.eps)
        case _:
            raise TypeError(f"no side path beside {type(module).__name__}")
