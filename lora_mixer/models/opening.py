"""Open a model from any location."""

from __future__ import annotations

from pathlib import Path

import torch

from lora_mixer.files import Leases, Seal, sealed
from lora_mixer.models.checkpoint import open_checkpoint, open_vae, vae_files
from lora_mixer.models.device import choose_device, choose_dtype
from lora_mixer.models.digest import Sha256, sha256_of
from lora_mixer.models.folder import folder_files, open_folder, settings_files
from lora_mixer.models.folder_checks import told
from lora_mixer.models.hub import find_folder
from lora_mixer.models.model import Model
from lora_mixer.models.offload import Offload, bytes_of, choose_offload, free_bytes
from lora_mixer.models.stored import stored_dtype
from lora_mixer.request import ModelSource

UPSCALER = "upscaler.safetensors"
"""What the upscaler in a model's folder is called."""


def files_of(source: ModelSource) -> tuple[Path, ...]:
    """Return the files in a model's digest, without a separate VAE; none if they are not on this machine."""
    location = Path(source.location).expanduser()
    if location.is_file():
        return (location,)
    return folder_files(location) if location.is_dir() else ()


def open_model(
    source: ModelSource,
    *,
    device: str | None = None,
    dtype: str | None = None,
    offload: str = "auto",
    computes: bool = True,
    sha256: Sha256 = sha256_of,
) -> Model:
    """Open a model without kernels; those are put on while rendering.

    Args:
        source: Where it lies.
        device: `cpu`, `cuda`, `cuda:1`, `mps`; None chooses the best there is.
        dtype: `float32`, `bfloat16`, `float16`; None takes the source's, else chooses by device.
        offload: Where weights rest while they do not compute: `none` on the device, `model` on the CPU but for one
            network at a time, `sequential` on the CPU but for one module at a time; `auto` takes the first that fits.
        computes: Whether it renders; otherwise it may be in any dtype on any device.
        sha256: What digests the files, when a digest is asked for.

    Raises:
        ModelError: There is no model, or an unsupported one.
        FileError: One of its files cannot be used.
        ChangedFileError: One of its files was written meanwhile.
        RequestError: The device, dtype or offload mode is not available here.
    """
    target = choose_device(device)
    number_format = choose_dtype(target, dtype or source.dtype, computes=computes)
    vae = Path(source.vae).expanduser() if source.vae else None
    location = Path(source.location).expanduser()
    place = location if location.is_file() else find_folder(source.location)
    seals = _sealed(place, vae)
    with Leases(seals) as files:
        with told(str(place)):
            if place.is_file():
                model = open_checkpoint(place, name=source.name, dtype=number_format, vae=vae)
            else:
                model = open_folder(place, name=source.name, dtype=number_format)
                if vae is not None:
                    model.vae = open_vae(vae, model.family, number_format)
                    model.vae_files = vae_files(vae)
        if vae is not None and vae.is_dir():
            model.settings_files = (*model.settings_files, vae / "config.json")
        model.sha256, model.seals = sha256, seals
        model.upscaler = _upscaler(source, place)
        _place(model, target, offload)
        files.check()
    return model


def open_as_stored(source: ModelSource) -> Model:
    """Open a model to read its weights, mapped from its files in the dtype they have there; it renders nothing.

    Raises:
        ModelError: There is no model, or an unsupported one.
        FileError: One of its files cannot be used.
    """
    location = Path(source.location).expanduser()
    place = location if location.is_file() else find_folder(source.location)
    return open_model(source, device="cpu", dtype=stored_dtype(place), offload="none", computes=False)


def _sealed(place: Path, vae: Path | None) -> tuple[Seal, ...]:
    """Return seals of all files that affect a model's pixels."""
    own = (place,) if place.is_file() else (*folder_files(place), *settings_files(place))
    config = () if vae is None or vae.is_file() else (vae / "config.json",)
    found = (sealed(file) for file in (*own, *vae_files(vae), *config))
    return tuple(seal for seal in found if seal is not None)


def _upscaler(source: ModelSource, place: Path) -> Path | None:
    """Return the upscaler that is a model's own: the one that is said, else the one that lies in its folder."""
    if source.upscaler is not None:
        return Path(source.upscaler)
    found = place / UPSCALER
    return found if found.is_file() else None


def _place(model: Model, device: torch.device, offload: str) -> None:
    """Put a model on its device, or offload it."""
    networks = {**model.parts, "vae": model.vae}
    sizes = {name: bytes_of(network) for name, network in networks.items()}
    mode = choose_offload(offload, sizes, free_bytes(device))
    if mode != "none":
        model.offload = Offload(networks, device, keep=mode == "model")
    for network in networks.values() if mode == "none" else ():
        network.to(device)
