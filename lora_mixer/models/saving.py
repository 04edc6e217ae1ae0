"""Write a model as a diffusers folder that recent diffusers and transformers versions open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from lora_mixer.libraries.classes import CLIPTextModelWithProjection, ModelMixin, diffusers_version
from lora_mixer.models.model import Model

SCHEDULER = "DPMSolverMultistepScheduler"
CONTINUOUS = "EDMDPMSolverMultistepScheduler"


def save_folder(model: Model, folder: Path, *, dtype: torch.dtype) -> None:
    """Write every component as it is.

    Args:
        model: The model.
        folder: The folder to make.
        dtype: What the weights are stored in.

    Raises:
        OSError: It cannot be written.
    """
    scheduler = CONTINUOUS if "sigma_data" in model.scheduler_config else SCHEDULER
    kind = model.family.denoiser
    index: dict[str, object] = {
        "_class_name": model.family.pipeline,
        "_diffusers_version": diffusers_version,
        kind.folder: ["diffusers", kind.class_name],
        "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", scheduler],
    }
    for name, network in ((kind.folder, cast(ModelMixin, model.denoiser.network)), ("vae", model.vae)):
        network.save_config(folder / name)
        _save(network.state_dict(), folder / name / "diffusion_pytorch_model.safetensors", dtype)
    for spec in model.family.text_encoders:
        encoder = model.text_encoders[spec.part]
        (folder / spec.folder).mkdir(parents=True)
        encoder.config.save_pretrained(folder / spec.folder)
        _save(_with_text_level(encoder), folder / spec.folder / "model.safetensors", dtype)
        model.tokenizers[spec.part].save_pretrained(folder / spec.tokenizer)
        index[spec.folder] = ["transformers", type(encoder).__name__]
        index[spec.tokenizer] = ["transformers", "CLIPTokenizer"]
    _write_json(folder / "scheduler" / "scheduler_config.json", {**model.scheduler_config, "_class_name": scheduler})
    _write_json(folder / "model_index.json", index | dict(model.family.pipeline_options))


def _with_text_level(encoder: nn.Module) -> Mapping[str, Tensor]:
    """Return a text encoder's tensors by the names files have: all but the projection under `text_model.`."""
    if isinstance(encoder, CLIPTextModelWithProjection):
        return encoder.state_dict()
    return {f"text_model.{key.removeprefix('text_model.')}": value for key, value in encoder.state_dict().items()}


def _save(tensors: Mapping[str, Tensor], path: Path, dtype: torch.dtype) -> None:
    stored = {key: value.to("cpu", dtype).contiguous() for key, value in tensors.items()}
    save_file(stored, path, metadata={"format": "pt"})


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
