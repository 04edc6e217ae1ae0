"""Resolve a model's location to a local folder, downloading hub ids into the cache."""

from __future__ import annotations

import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.constants import HF_HUB_OFFLINE
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from lora_mixer.errors import ModelError
from lora_mixer.families import denoiser_kinds

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
WANTED = [
    "model_index.json",
    "scheduler/*.json",
    *(f"{kind.folder}/*.json" for kind in denoiser_kinds()),
    *(f"{kind.folder}/diffusion_pytorch_model*.safetensors*" for kind in denoiser_kinds()),
    "vae/*.json",
    "vae/diffusion_pytorch_model*.safetensors*",
    "text_encoder*/*.json",
    "text_encoder*/model*.safetensors*",
    "tokenizer*/*",
]
"""What is downloaded: safetensors weights and configurations, never code."""


def find_folder(location: str) -> Path:
    """Return a location's folder: itself, or a hub id's folder in the cache.

    Raises:
        ModelError: There is no such folder, and the hub is unreachable or lacks it.
    """
    folder = Path(location).expanduser()
    if folder.is_dir():
        return folder
    if not HUB_ID.fullmatch(location):
        raise ModelError("there is no such model file or folder", where=location)
    try:
        return Path(snapshot_download(location, allow_patterns=WANTED))
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, HfHubHTTPError, OSError) as error:
        what, remedy = _answer(error, location)
        raise ModelError(
            what, where=location, remedy=f"{remedy} Or put its diffusers folder at {folder.absolute()}."
        ) from error


def _answer(error: Exception, location: str) -> tuple[str, str]:
    """Return the meaning of a hub error, and a remedy.

    A missing file of the cache is raised where the hub could not be asked, with the reason as its cause.
    """
    reason = next((e for e in (error, error.__cause__, error.__context__) if isinstance(e, HfHubHTTPError)), error)
    status = getattr(getattr(reason, "response", None), "status_code", None)
    if isinstance(reason, GatedRepoError) or status == 403:
        return (
            "the hub gives this model only to who has accepted its terms",
            f"Open huggingface.co/{location}, accept them, and run `hf auth login`.",
        )
    if isinstance(reason, RepositoryNotFoundError) or status == 404:
        return (
            "the hub has no model of this name, or it is private",
            "Check the name; for a private one run `hf auth login`.",
        )
    if status == 401:
        return "the hub does not accept the login", "Run `hf auth login`, or unset HF_TOKEN."
    if isinstance(reason, OfflineModeIsEnabled) or HF_HUB_OFFLINE:
        return "the model is not in the hub's cache, and HF_HUB_OFFLINE is set", "Unset it and go online once."
    if status is not None:
        return f"the hub answered with the error {status}", "Try again later."
    return "the model is not in the hub's cache, and the hub cannot be reached", "Check the network."
