"""A mix merged into its model, as a single file in LDM's layout, which every program of the field opens."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from lora_mixer.blend import MergeEngine
from lora_mixer.export.ldm_names import ldm_tensors
from lora_mixer.export.mix import KEY, StaticMix
from lora_mixer.export.report import BakeReport
from lora_mixer.export.writing import dtype_of, require_free, write_tensors


@torch.no_grad()
def bake_checkpoint(
    mix: StaticMix, engine: MergeEngine, path: Path, *, dtype: str, overwrite: bool = False
) -> BakeReport:
    """Write the merged model as a single file.

    Args:
        mix: The mix.
        engine: What merges it; the model is pristine again afterwards.
        path: The `.safetensors` file to write.
        dtype: What the tensors are stored in.
        overwrite: Replace what lies there.

    Raises:
        RequestError: The family has no single-file layout, or the dtype cannot be stored in a file.
        FileError: It cannot be written.
    """
    stored = dtype_of(dtype)
    require_free(path, overwrite=overwrite)
    with engine.applied([mix.stack], parts=mix.model.parts):
        tensors = {key: value.to("cpu", stored) for key, value in ldm_tensors(mix.model)}
    write_tensors(path, tensors | _marks(mix), _metadata(mix, path), check=mix.check)
    modules = len(mix.stack.terms(parts=mix.model.parts, progress=0.0))
    return BakeReport(path=path, modules=modules, notes=lost_embeddings(mix))


def lost_embeddings(mix: StaticMix) -> tuple[str, ...]:
    """Return a sentence if the mix brings embeddings, for which a checkpoint has no place."""
    words = ", ".join(mix.embeddings)
    return (f"the embeddings {words} are not in it: a checkpoint has no place for them",) if words else ()


def _marks(mix: StaticMix) -> dict[str, Tensor]:
    """Return the empty tensors by which tools tell v-prediction and zero-terminal-SNR models."""
    levels = mix.model.scheduler_config
    if "sigma_data" in levels:
        ends = {f"edm_vpred.{end}": torch.tensor(float(levels[end])) for end in ("sigma_min", "sigma_max")}
        latents = {f"edm_{part}": mix.model.vae.config.get(f"latents_{part}") for part in ("mean", "std")}
        stated = {name: torch.tensor(values) for name, values in latents.items() if values is not None}
        return ends if mix.model.prediction == "v_prediction" else stated
    said = {
        "v_pred": mix.model.prediction == "v_prediction",
        "ztsnr": bool(mix.model.scheduler_config.get("rescale_betas_zero_snr")),
    }
    return {name: torch.zeros(0) for name, is_so in said.items() if is_so}


def _metadata(mix: StaticMix, path: Path) -> dict[str, str]:
    return {
        KEY: mix.described(),
        "format": "pt",
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": mix.model.family.architecture,
        "modelspec.title": path.stem,
        "modelspec.prediction_type": "v" if mix.model.prediction == "v_prediction" else "epsilon",
    }
