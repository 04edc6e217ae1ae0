"""From a model's location to a folder on this machine, through the hub's local cache where it is an id."""

from __future__ import annotations

import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

from lora_mixer.errors import ModelError

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
WANTED = [
    "model_index.json",
    "scheduler/*.json",
    "unet/*.json",
    "unet/diffusion_pytorch_model*.safetensors*",
    "vae/*.json",
    "vae/diffusion_pytorch_model*.safetensors*",
    "text_encoder*/*.json",
    "text_encoder*/model*.safetensors*",
    "tokenizer*/*",
]
"""What is fetched of a repository: weights in safetensors and configurations, never code."""


def find_folder(location: str) -> Path:
    """Return the folder a location means: a folder as it is, or a hub id's folder in the cache.

    Raises:
        ModelError: There is no such folder, and the hub cannot be asked or does not have it.
    """
    folder = Path(location).expanduser()
    if folder.is_dir():
        return folder
    if not HUB_ID.fullmatch(location):
        raise ModelError("there is no such model file or folder", where=location)
    try:
        return Path(snapshot_download(location, allow_patterns=WANTED))
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, HfHubHTTPError, OSError) as error:
        raise ModelError(
            f"the model {location} is neither a folder here nor in the hub's cache, and the hub did not give it",
            where=location,
            remedy=f"Put its diffusers folder at {folder.absolute()}, or go online once.",
        ) from error
