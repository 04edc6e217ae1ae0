"""A mix as one LoRA in kohya's naming.

Where the mix is a sum, a module whose adapters have low-rank factors, and few enough ranks together, gets their factors
side by side, which is exact: sum_i s_i B_i A_i = [s_1 B_1, s_2 B_2, ..] [A_1; A_2; ..]. Every other change, of whatever
kind or method, is computed on the pristine weight and cut to the wanted rank. Alpha is written as the rank, so that
strength 1 is the mix.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from lora_mixer.adapters import Compressed, Weights, compress_factors, compress_matrix
from lora_mixer.blend import Term, change_of_mix, is_linear
from lora_mixer.errors import RequestError
from lora_mixer.export.mix import KEY, StaticMix
from lora_mixer.export.report import BakeReport, Cut, errors_by_block
from lora_mixer.export.slots import factor_slots, norm_slots
from lora_mixer.export.spelling import kohya_name
from lora_mixer.export.writing import dtype_of, require_free, write_tensors
from lora_mixer.families import Family
from lora_mixer.modules import ModuleName, ModuleSpec

MAX_RANK = 1024
OnModule = Callable[[int, int], None]
"""Hears how many modules are done, and how many there are."""


@torch.no_grad()
def bake_lora(
    mix: StaticMix, path: Path, *, rank: int, dtype: str, overwrite: bool = False, on_module: OnModule | None = None
) -> BakeReport:
    """Write a mix as one LoRA.

    Args:
        mix: The mix.
        path: The `.safetensors` file to write.
        rank: The highest rank of a module.
        dtype: What the tensors are stored in.
        overwrite: Replace what lies there.
        on_module: Called after every module.

    Raises:
        RequestError: The rank or the dtype is impossible.
        FileError: It cannot be written.
    """
    if not 1 <= rank <= MAX_RANK:
        raise RequestError(f"rank {rank} is out of range", remedy=f"Use a value from 1 to {MAX_RANK}.")
    stored = dtype_of(dtype)
    require_free(path, overwrite=overwrite)
    terms = mix.stack.terms(parts=mix.model.parts, progress=0.0)
    tensors: dict[str, Tensor] = {}
    cuts: list[tuple[ModuleSpec, Cut]] = []
    for done, (name, of_module) in enumerate(terms.items(), start=1):
        spelled = kohya_name(name, mix.model.family, mix.model.index)
        base = _pristine(mix, name)
        if base.weight.ndim == 1:
            slots = norm_slots(change_of_mix(mix.stack.method, name, base, of_module), base)
        else:
            one, shift = _compressed(mix, name, of_module, base, rank)
            cuts.append((mix.model.index.modules[name], Cut.of(one)))
            slots = factor_slots(one, shift, base)
        tensors |= {f"{spelled}.{slot}": value for slot, value in slots}
        if on_module is not None:
            on_module(done, len(terms))
    tensors |= {
        f"bundle_emb.{word}.{field}": vectors
        for word, fields in mix.embeddings.items()
        for field, vectors in fields.items()
    }
    written = {key: value if key.endswith(".alpha") else value.to(stored) for key, value in tensors.items()}
    metadata = {KEY: mix.described(), **network_metadata(mix.model.family, path, str(rank))}
    write_tensors(path, written, metadata, check=mix.check)
    return BakeReport(path=path, modules=len(terms), blocks=errors_by_block(cuts))


def _pristine(mix: StaticMix, name: ModuleName) -> Weights:
    module = mix.model.module(name)
    bias = getattr(module, "bias", None)
    return Weights(module.get_parameter("weight").float(), None if bias is None else bias.float())


def _joined(mix: StaticMix, terms: Sequence[Term], base: Weights, rank: int) -> Compressed | None:
    """Return the adapters' factors side by side, cut to a rank; None where the mix is not their sum or they are too many."""
    if not is_linear(mix.stack.method, terms):
        return None
    factors = [(term.strength, term.layer.factors()) for term in terms]
    ups = [pair.up.cpu() * strength for strength, pair in factors if pair is not None]
    downs = [pair.down.flatten(1).cpu() for _, pair in factors if pair is not None]
    if len(ups) < len(terms) or sum(up.shape[1] for up in ups) > max(rank, min(base.weight.flatten(1).shape)):
        return None
    return compress_factors(torch.cat(ups, dim=1), torch.cat(downs), rank)


def _compressed(
    mix: StaticMix, name: ModuleName, terms: Sequence[Term], base: Weights, rank: int
) -> tuple[Compressed, Tensor | None]:
    """Return the factors of what a mix changes of a module's weight, and what it adds to the bias."""
    joined = _joined(mix, terms, base, rank)
    if joined is not None:
        shifts = [shift.cpu() * term.strength for term in terms if (shift := term.layer.bias_change()) is not None]
        return joined, torch.stack(shifts).sum(0) if shifts else None
    change = change_of_mix(mix.stack.method, name, base, terms)
    weight = torch.zeros_like(base.weight) if change.weight is None else change.weight
    return compress_matrix(weight.flatten(1).cpu(), rank), None if change.bias is None else change.bias.cpu()


def network_metadata(family: Family, path: Path, rank: str) -> dict[str, str]:
    """Return what every LoRA file says of itself; alpha is the rank."""
    return {
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": f"{family.architecture}/lora",
        "modelspec.title": path.stem,
        "ss_base_model_version": family.base_model,
        "ss_network_module": "networks.lora",
        "ss_network_dim": rank,
        "ss_network_alpha": str(float(rank)) if rank.isdigit() else rank,
        "ss_output_name": path.stem,
    }
