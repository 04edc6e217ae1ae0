"""A model's noise schedule: its family's, with what its file says about its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lora_mixer.errors import ModelError
from lora_mixer.families import Family

TRUE = frozenset({"true", "1", "yes"})
COSXL_LEAST = 0.002
PLAYGROUND: Mapping[str, Any] = {"sigma_min": 0.002, "sigma_max": 80.0, "sigma_data": 0.5, "prediction_type": "epsilon"}
LATENTS = ("edm_mean", "edm_std")
"""Playground 2.5's per-channel mean and deviation of latents."""


def noise_schedule(
    family: Family, tensors: Mapping[str, Tensor], metadata: Mapping[str, str], where: str = ""
) -> Mapping[str, Any]:
    """Return a family's noise schedule, updated from the file.

    The keys `v_pred` and `ztsnr` are how merging tools and trainers mark such checkpoints, as tensors or in the metadata;
    further metadata are the SAI model specification's `modelspec.prediction_type`, `modelspec.predict_key` of older
    writers, and kohya's `ss_v_parameterization` and `ss_zero_terminal_snr`. Where a file says nothing, a tensor of the
    family's velocity test tells. CosXL and Playground 2.5 were trained at continuous noise, and say so by keys of their own.

    Raises:
        ModelError: The file's noise levels are impossible.
    """
    if "edm_vpred.sigma_max" in tensors:
        least = _number(tensors, "edm_vpred.sigma_min", COSXL_LEAST)
        most = _number(tensors, "edm_vpred.sigma_max", 0.0)
        if not 0 < least < most < math.inf:
            raise ModelError(f"its noise goes from {least:g} to {most:g}", where=where, remedy="Download it again.")
        return {"sigma_min": least, "sigma_max": most, "sigma_data": 1.0, "prediction_type": "v_prediction"}
    if all(key in tensors for key in LATENTS):
        return dict(PLAYGROUND)
    config = family.configs["scheduler"]
    schedule = {**config, "prediction_type": _prediction(family, config, tensors, metadata)}
    if "ztsnr" in tensors or _says(metadata, "ztsnr", "ss_zero_terminal_snr"):
        schedule |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    return schedule


def _prediction(
    family: Family, config: Mapping[str, Any], tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> str:
    said = metadata.get("modelspec.prediction_type") or metadata.get("modelspec.predict_key") or ""
    if "v_pred" in tensors or said.startswith("v") or _says(metadata, "v_pred", "ss_v_parameterization"):
        return "v_prediction"
    if said.startswith("e"):
        return "epsilon"
    test = family.velocity_test
    told = None if test is None else tensors.get(family.denoiser.prefix + test.key)
    if test is not None and told is not None:
        return "v_prediction" if told.float().std(correction=0) > test.deviation else "epsilon"
    return str(config.get("prediction_type", "epsilon"))


def _says(metadata: Mapping[str, str], *keys: str) -> bool:
    return any(metadata.get(key, "").strip().lower() in TRUE for key in keys)


def _number(tensors: Mapping[str, Tensor], key: str, otherwise: float) -> float:
    """Return a number stored as a tensor."""
    return float(tensors[key].flatten()[0]) if key in tensors and tensors[key].numel() else otherwise


def latents_of(tensors: Mapping[str, Tensor]) -> Mapping[str, Any]:
    """Return VAE settings for the latents' statistics, if the file has any (Playground 2.5)."""
    if not all(key in tensors for key in LATENTS):
        return {}
    mean, std = (tensors[key].flatten().tolist() for key in LATENTS)
    return {"latents_mean": mean, "latents_std": std, "scaling_factor": 0.5}
