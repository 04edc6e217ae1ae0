"""Make goldens.safetensors: adapters as LyCORIS and PEFT save them, and what their own forward adds to the output.

Only forward passes are asked: LyCORIS's `get_diff_weight` and `merge_to` scale LoHa and factored LoKr twice, and its
`make_module_from_state_dict` loses DoRA's axis and Tucker's rank, so modules are built and filled here.

Run from the repository's root: python tests/golden/adapters/make_goldens.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

OUT, IN = 16, 12
HERE = Path(__file__).parent
SLOTS = {
    "lora_up.weight": "up",
    "lora_down.weight": "down",
    "lora_mid.weight": "mid",
    "alpha": "alpha",
    "dora_scale": "dora_scale",
    **{f"hada_{name}": name for name in ("w1_a", "w1_b", "w2_a", "w2_b", "t1", "t2")},
    **{f"lokr_w{rest}": f"k{rest}" for rest in ("1", "1_a", "1_b", "2", "2_a", "2_b")},
    "lokr_t2": "kt2",
    "oft_blocks": "oft_blocks",
    "rescale": "rescale",
    **{f"{name}.weight": name for name in ("a1", "a2", "b1", "b2")},
    "weight": "ia3",
    **{name: name for name in ("on_input", "diff", "diff_b", "w_norm", "b_norm")},
}


def linear() -> nn.Module:
    return nn.Linear(IN, OUT)


def conv(size: int) -> Callable[[], nn.Module]:
    return lambda: nn.Conv2d(IN, OUT, size, stride=1, padding=size // 2)


def cases() -> Iterator[tuple[str, str, Callable[[], nn.Module], dict[str, object]]]:
    """Name, LyCORIS class, host and arguments of every form that LyCORIS trains."""
    hosts = {"linear": linear, "conv1": conv(1), "conv3": conv(3)}
    for where, host in hosts.items():
        for algo in ("LoConModule", "LohaModule", "LokrModule"):
            for wd in ({}, {"weight_decompose": True}, {"weight_decompose": True, "wd_on_out": False}):
                tag = "" if not wd else "_dora_in" if "wd_on_out" in wd else "_dora_out"
                yield f"{algo}_{where}{tag}", algo, host, {"lora_dim": 3, "alpha": 1.5, "factor": 2, **wd}
        yield f"LokrModule_{where}_both", "LokrModule", host, {"lora_dim": 1, "alpha": 2.5, "decompose_both": True}
        yield f"LokrModule_{where}_whole", "LokrModule", host, {"lora_dim": 3, "alpha": 7.0, "full_matrix": True}
        yield f"GLoRAModule_{where}", "GLoRAModule", host, {"lora_dim": 3, "alpha": 1.5}
        for on_input in (True, False):
            yield f"IA3Module_{where}_{on_input}", "IA3Module", host, {"train_on_input": on_input}
        for algo in ("DiagOFTModule", "ButterflyOFTModule"):
            yield f"{algo}_{where}", algo, host, {"lora_dim": 4}
            yield f"{algo}_{where}_constraint", algo, host, {"lora_dim": 4, "constraint": 0.05}
            yield f"{algo}_{where}_rescaled", algo, host, {"lora_dim": 4, "rescaled": True}
        yield f"FullModule_{where}", "FullModule", host, {}
    for algo in ("LoConModule", "LohaModule", "LokrModule"):
        yield f"{algo}_conv3_tucker", algo, conv(3), {"lora_dim": 2, "alpha": 1.5, "use_tucker": True, "factor": 2}
        yield (
            f"{algo}_linear_rank_stabilised",
            algo,
            linear,
            {"lora_dim": 3, "alpha": 1.5, "rs_lora": True, "factor": 2},
        )
        yield f"{algo}_linear_scalar", algo, linear, {"lora_dim": 3, "alpha": 1.5, "use_scalar": True, "factor": 2}
    yield "NormModule_layer", "NormModule", lambda: nn.LayerNorm(OUT), {}
    yield "NormModule_group", "NormModule", lambda: nn.GroupNorm(4, OUT), {}


def fill(module: nn.Module) -> None:
    """Give every parameter random values; magnitudes and gains stay positive."""
    for name, parameter in module.named_parameters():
        noise = torch.randn_like(parameter) * 0.3
        parameter.data.copy_(noise.abs() + 0.5 if name in {"dora_scale", "rescale", "scalar"} else noise)


def probe(host: nn.Module) -> Tensor:
    if isinstance(host, nn.Conv2d):
        return torch.randn(2, IN, 5, 5)
    if isinstance(host, nn.GroupNorm):
        return torch.randn(2, OUT, 5, 5)
    return torch.randn(6, OUT if isinstance(host, nn.LayerNorm) else IN)


def saved(module: nn.Module) -> dict[str, Tensor]:
    """The adapter as LyCORIS writes it to a file, by slot."""
    tensors = module.custom_state_dict() or module.state_dict()
    return {SLOTS[name]: tensor for name, tensor in tensors.items() if name in SLOTS}


def full_difference(module: nn.Module) -> dict[str, Tensor]:
    return {"diff": module.weight, "diff_b": module.bias}


def lycoris_goldens() -> Iterator[tuple[str, dict[str, Tensor]]]:
    from lycoris import modules

    for number, (name, algo, host_of, arguments) in enumerate(cases()):
        torch.manual_seed(number)
        # LyCORIS inverts in float32, whatever the rest is in
        wide = torch.float32 if "OFT" in algo else torch.float64
        host = host_of().to(wide)
        fill(host)
        module = getattr(modules, algo)("golden", host, 1.0, **arguments).to(wide).eval()
        fill(module)
        module.apply_to() if algo != "FullModule" else setattr(module, "org_forward", host.forward)
        x = probe(host).to(wide)
        change = module.forward(x) - module.org_forward(x)
        slots = full_difference(module) if algo == "FullModule" else saved(module)
        yield name, {"x": x, "change": change, "W": host.weight, "b": host.bias, **slots}


def peft_goldens() -> Iterator[tuple[str, dict[str, Tensor]]]:
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict

    for name, host in (("linear", linear()), ("conv1", conv(1)()), ("conv3", conv(3)())):
        torch.manual_seed(len(name))
        weight, bias = torch.randn_like(host.weight), torch.randn_like(host.bias)
        host.weight.data.copy_(weight)
        host.bias.data.copy_(bias)
        config = LoraConfig(r=3, lora_alpha=6, use_dora=True, target_modules=["0"])
        model = get_peft_model(nn.Sequential(host).double(), config).double().eval()
        for key, parameter in model.named_parameters():
            if "lora_" in key:
                noise = torch.randn_like(parameter) * 0.3
                parameter.data.copy_(noise.abs() + 0.5 if "magnitude" in key else noise)
        x = probe(host).double()
        change = model(x) - host(x)
        tensors = get_peft_model_state_dict(model)
        prefix = "base_model.model.0."
        yield (
            f"PEFT_{name}_dora",
            {
                "x": x,
                "change": change,
                "W": weight.double(),
                "b": bias.double(),
                "down": tensors[f"{prefix}lora_A.weight"],
                "up": tensors[f"{prefix}lora_B.weight"],
                "magnitude": tensors[f"{prefix}lora_magnitude_vector"],
                "alpha": torch.tensor(6.0, dtype=torch.float64),
            },
        )


def goldens() -> dict[str, Tensor]:
    """Every golden, by `case/tensor`."""
    return {
        f"{case}/{name}": tensor.detach().clone().contiguous()
        for source in (lycoris_goldens, peft_goldens)
        for case, tensors in source()
        for name, tensor in tensors.items()
    }


if __name__ == "__main__":
    from safetensors.torch import save_file

    save_file(goldens(), HERE / "goldens.safetensors")
