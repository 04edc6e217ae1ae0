"""A single checkpoint file in CompVis' (LDM) layout: told, sized and converted, part by part.

The key tables and conversions are diffusers' own (`loaders/single_file_utils.py`); the configurations ship with
this package, so nothing is looked up on a hub. Tensors are memory-mapped and become a network's weights directly:
a file in the wanted dtype is never copied.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from lora_mixer.errors import BrokenFileError, ModelError, UnsafeFileError
from lora_mixer.files import CHECKPOINT_LIMITS, open_tensor_file
from lora_mixer.models.build import build, text_encoder_tensors, unet_tensors, vae_tensors
from lora_mixer.models.families import config
from lora_mixer.models.folder import load_tokenizer, open_vae_folder
from lora_mixer.models.libraries import (
    AutoencoderKL,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    TextEncoder,
    UNet2DConditionModel,
)
from lora_mixer.models.model import Model
from lora_mixer.models.recognise import family_of_checkpoint, noise_schedule
from lora_mixer.models.sizes import sized_text_encoder, sized_unet, sized_vae
from lora_mixer.modules import Family

TEXT_PARTS: Mapping[str, tuple[str, type[TextEncoder]]] = {
    "te1": ("text_encoder", CLIPTextModel),
    "te2": ("text_encoder_2", CLIPTextModelWithProjection),
}
OPEN_CLIP = {(Family.SD2, "te1"), (Family.SDXL, "te2"), (Family.SDXL_REFINER, "te2")}


def open_checkpoint(path: Path, *, name: str, dtype: torch.dtype, vae: Path | None = None) -> Model:
    """Open a single file on the CPU.

    Raises:
        FileError: The file cannot be used.
        ModelError: It is not a Stable Diffusion text-to-image model, or a part is missing.
    """
    tensors, metadata = read_checkpoint(path)
    where = str(path)
    family = family_of_checkpoint(tensors, where)
    unet_config = sized_unet(_config(family, "unet"), tensors)
    unet = build(UNet2DConditionModel, unet_config, unet_tensors(tensors, unet_config), dtype, where)
    encoders: dict[str, TextEncoder] = {}
    for part, (folder, network) in TEXT_PARTS.items():
        plan = config(family, folder)
        if plan is not None:
            settings = sized_text_encoder(plan, tensors, part, where)
            encoders[part] = build(network, settings, text_encoder_tensors(tensors, part, settings), dtype, where)
    return Model(
        name=name,
        family=family,
        unet=unet,
        text_encoders=encoders,
        vae=open_vae(vae, family, dtype) if vae else _vae_of(tensors, family, dtype, where),
        tokenizers={part: _tokenizer(family, part) for part in encoders},
        scheduler_config=noise_schedule(_config(family, "scheduler"), tensors, metadata),
        files=(path,),
        vae_files=vae_files(vae),
    )


def read_checkpoint(path: Path) -> tuple[Mapping[str, Tensor], Mapping[str, str]]:
    """Return a checkpoint's tensors, memory-mapped, and its metadata.

    Raises:
        FileError: The file is broken, or is a pickle that holds more than tensors.
    """
    if path.suffix == ".ckpt":
        return _unpickle(path), {}
    metadata = open_tensor_file(path, limits=CHECKPOINT_LIMITS).metadata
    return load_file(path), metadata


def _unpickle(path: Path) -> Mapping[str, Tensor]:
    """Read an old checkpoint with torch's restricted unpickler, which builds tensors and plain containers only."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise UnsafeFileError(
            "the checkpoint holds more than tensors",
            where=str(path),
            remedy="Convert it to .safetensors on a machine you can lose.",
        ) from error
    except (RuntimeError, EOFError) as error:
        raise BrokenFileError("this is not a checkpoint", where=str(path)) from error
    state = content.get("state_dict", content) if isinstance(content, dict) else {}
    return {key: value for key, value in state.items() if isinstance(value, Tensor)}


def open_vae(path: Path, family: Family, dtype: torch.dtype) -> AutoencoderKL:
    """Open a separate VAE: a folder, or a file in LDM or diffusers layout."""
    if path.is_dir():
        return open_vae_folder(path, dtype)
    tensors, _ = read_checkpoint(path)
    return _vae_of(tensors, family, dtype, str(path))


def vae_files(vae: Path | None) -> tuple[Path, ...]:
    """Return the weight files of a separate VAE."""
    if vae is None:
        return ()
    return tuple(sorted(vae.glob("*.safetensors"))) if vae.is_dir() else (vae,)


def _vae_of(tensors: Mapping[str, Tensor], family: Family, dtype: torch.dtype, where: str) -> AutoencoderKL:
    settings = sized_vae(_config(family, "vae"), tensors)
    converted = vae_tensors(tensors, settings)
    if not converted:
        raise ModelError("the file has no VAE", where=where, remedy="Name a VAE file for this model.")
    vae: AutoencoderKL = build(AutoencoderKL, settings, converted, dtype, where)
    return vae


def _config(family: Family, folder: str) -> dict[str, Any]:
    found = config(family, folder)
    if found is None:
        raise ModelError(f"{family.full_name} cannot be opened from a single file", remedy="Use its diffusers folder.")
    return found


def _tokenizer(family: Family, part: str) -> CLIPTokenizer:
    """Return CLIP's tokenizer: the same byte-pair vocabulary in every family; OpenCLIP pads with token 0."""
    with resources.as_file(resources.files("lora_mixer") / "data" / "emoji" / "model" / "tokenizer") as folder:
        return load_tokenizer(folder, pads_with_zero=(family, part) in OPEN_CLIP)
