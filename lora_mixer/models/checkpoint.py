"""Open a single checkpoint file in CompVis' (LDM) layout: detect, size and convert it part by part.

The key tables and conversions are diffusers' own (`loaders/single_file_utils.py`); the configurations ship with
this package, so nothing is looked up on a hub. Tensors are memory-mapped and become a network's weights directly:
a file in the wanted dtype is never copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from lora_mixer.errors import ModelError
from lora_mixer.families import Family, TextEncoderSpec, family_of_shapes
from lora_mixer.files import CHECKPOINT_LIMITS, PICKLE_SUFFIXES, PickledTensor, open_pickled_file, open_tensor_file
from lora_mixer.libraries.classes import TEXT_CLASSES, AutoencoderKL, CLIPTokenizer, TextEncoder
from lora_mixer.models.build import build, text_encoder_tensors, vae_tensors
from lora_mixer.models.components import load_tokenizer, open_vae_folder
from lora_mixer.models.denoisers import opener_of
from lora_mixer.models.model import Model
from lora_mixer.models.schedule import latents_of, noise_schedule
from lora_mixer.models.sizes import sized_text_encoder, sized_vae
from lora_mixer.tensors import tensor_reader


def open_checkpoint(path: Path, *, name: str, dtype: torch.dtype, vae: Path | None = None) -> Model:
    """Open a single file on the CPU.

    Raises:
        FileError: The file cannot be used.
        ModelError: It is not a Stable Diffusion text-to-image model, or a part is missing.
    """
    tensors, metadata = read_checkpoint(path)
    where = str(path)
    family = family_of_shapes({key: tuple(tensor.shape) for key, tensor in tensors.items()}, where)
    if family.no_single_file:
        raise ModelError(
            f"{family.title} has no single-file layout: {family.no_single_file}",
            where=where,
            remedy="Use its diffusers folder.",
        )
    denoiser = opener_of(family).from_file(tensors, family, dtype, where)
    encoders: dict[str, TextEncoder] = {}
    for spec in family.text_encoders:
        settings = sized_text_encoder(family.configs[spec.folder], tensors, spec, where)
        converted = text_encoder_tensors(tensors, spec, settings)
        encoders[spec.part] = build(TEXT_CLASSES[spec.class_name], settings, converted, dtype, where)
    decoder = open_vae(vae, family, dtype) if vae else _vae_of(tensors, family, dtype, where)
    decoder.register_to_config(**latents_of(tensors))  # type: ignore[no-untyped-call]
    return Model(
        name=name,
        family=family,
        denoiser=denoiser,
        text_encoders=encoders,
        vae=decoder,
        tokenizers={spec.part: _tokenizer(spec) for spec in family.text_encoders},
        scheduler_config=noise_schedule(family, tensors, metadata, where),
        files=(path,),
        vae_files=vae_files(vae),
    )


def read_checkpoint(path: Path) -> tuple[Mapping[str, Tensor], Mapping[str, str]]:
    """Return a checkpoint's tensors, memory-mapped, and its metadata.

    Raises:
        FileError: The file is broken, or is a pickle that holds more than tensors.
    """
    if path.suffix.lower() in PICKLE_SUFFIXES:
        return _unpickle(path), {}
    metadata = open_tensor_file(path, limits=CHECKPOINT_LIMITS).metadata
    return load_file(path), metadata


def _unpickle(path: Path) -> Mapping[str, Tensor]:
    """Read a pickled checkpoint by parsing, never executing, its pickle."""
    content = open_pickled_file(path, limits=CHECKPOINT_LIMITS)
    state = content.content
    if isinstance(state, Mapping):
        state = state.get("state_dict", state)
    named = state.items() if isinstance(state, Mapping) else ()
    tensors = {key: value for key, value in named if isinstance(key, str) and isinstance(value, PickledTensor)}
    file = content.table(tensors, CHECKPOINT_LIMITS)
    read = tensor_reader(file)
    return {key: read(info) for key, info in file.tensors.items()}


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
    settings = sized_vae(family.configs["vae"], tensors)
    converted = vae_tensors(tensors, settings)
    if not converted:
        raise ModelError("the file has no VAE", where=where, remedy="Name a VAE file for this model.")
    vae: AutoencoderKL = build(AutoencoderKL, settings, converted, dtype, where)
    return vae


def _tokenizer(spec: TextEncoderSpec) -> CLIPTokenizer:
    """Return CLIP's tokenizer: the same byte-pair vocabulary in every family; OpenCLIP pads with token 0."""
    with resources.as_file(resources.files("lora_mixer") / "data" / "emoji" / "model" / "tokenizer") as folder:
        return load_tokenizer(folder, pads_with_zero=spec.open_clip)
