"""What LyCORIS's and PEFT's own forward adds to the output, against our change and our side form."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from lora_mixer.adapters import LayerOp, LowRank, Weights, make_layer

GOLDENS = Path(__file__).parents[1] / "golden" / "adapters" / "goldens.safetensors"
TENSORS = load_file(GOLDENS)
CASES = sorted({key.partition("/")[0] for key in TENSORS})
NOT_SLOTS = {"x", "change", "W", "b"}


def case(name: str) -> dict[str, Tensor]:
    return {key.partition("/")[2]: tensor for key, tensor in TENSORS.items() if key.startswith(f"{name}/")}


def operator(name: str, base: Weights) -> LayerOp:
    if name == "NormModule_group":
        run = lambda x, weight, bias: F.group_norm(x, 4, weight, bias)  # noqa: E731
    elif name == "NormModule_layer":
        run = lambda x, weight, bias: F.layer_norm(x, weight.shape, weight, bias)  # noqa: E731
    elif base.weight.ndim == 4:
        run = partial(F.conv2d, padding=base.weight.shape[-1] // 2)
    else:
        run = F.linear
    return LayerOp(run=run, weight=base.weight, bias=base.bias)


def error(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def tolerance(name: str, dtype: torch.dtype) -> float:
    """1e-5 in float32; in float64 the reference's own precision: LyCORIS inverts and keeps alpha in float32."""
    if dtype == torch.float32:
        return 1e-5
    return 1e-6 if "OFT" in name else 1e-7 if "stabilised" in name else 1e-10


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_the_change_and_the_side_form_are_what_the_trainer_adds_to_the_output(name: str, dtype: torch.dtype) -> None:
    tensors = case(name)
    base = Weights(tensors["W"].to(dtype), tensors["b"].to(dtype))
    slots = {key: tensor for key, tensor in tensors.items() if key not in NOT_SLOTS}
    layer = make_layer(slots, tuple(base.weight.shape), tuple(base.bias.shape))
    x, op, delta = tensors["x"].to(dtype), operator(name, base), layer.delta(base)

    assert error(op.run(x, delta.weight, delta.bias), tensors["change"]) < tolerance(name, dtype)

    y, one = op.run(x, base.weight, base.bias), torch.ones(len(x), dtype=dtype)
    added = sum(
        term.forward(x, y, op, one[:, None].expand(-1, term.rank) if isinstance(term, LowRank) else one)
        for term in layer.side(base)
    )
    assert error(added, tensors["change"]) < tolerance(name, dtype)


@pytest.mark.slow
def test_the_golden_file_is_what_its_script_makes() -> None:
    import runpy

    remade = runpy.run_path(str(GOLDENS.with_name("make_goldens.py")))["goldens"]()
    assert remade.keys() == TENSORS.keys()
    for key, tensor in remade.items():
        torch.testing.assert_close(tensor, TENSORS[key], msg=key)
