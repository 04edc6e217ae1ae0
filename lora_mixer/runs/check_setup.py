"""Checks of what pictures are computed with before a model is opened: options, device, model, folder. No torch here."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lora_mixer.catalog import ModelsFile
from lora_mixer.errors import FileError, ModelError, RequestError
from lora_mixer.files import CHECKPOINT_LIMITS, PICKLE_SUFFIXES, open_tensor_file
from lora_mixer.request import ModelSource
from lora_mixer.workers.executor import MixerOptions

NAMES: Mapping[str, tuple[str, ...]] = {
    "engine": ("auto", "measured", "merged", "side"),
    "offload": ("auto", "none", "model", "sequential"),
    "dtype": ("float32", "bfloat16", "float16"),
}
"""Values of options; rooms with torch have the same names, and a test compares them."""

_DEVICE = re.compile(r"cpu|mps|cuda(:\d+)?")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def check_setup(setup: MixerOptions, file: ModelsFile, *, here: bool = True) -> None:
    """Refuse impossible options.

    Args:
        setup: The options.
        file: The models.toml.
        here: Whether workers are on this machine; if not, its devices are irrelevant.

    Raises:
        RequestError: An option has no such value, or the device is missing.
        ModelError: There is no such model.
    """
    for option, value in (("engine", setup.engine), ("offload", setup.offload), ("dtype", setup.dtype)):
        if value is not None and value not in NAMES[option]:
            raise RequestError(
                f"{value!r} is not one of its values", where=f"--{option}", remedy=f"Use {', '.join(NAMES[option])}."
            )
    _check_device(setup.device, here=here)
    if setup.dtype == "float16" and here and (setup.device == "cpu" or not (_may_have_cuda() or _may_have_mps())):
        raise RequestError(
            "a CPU cannot compute in float16 at a usable speed", where="--dtype", remedy="Use bfloat16 or float32."
        )
    check_model(file.model(setup.model))


def _check_device(device: str | None, *, here: bool) -> None:
    if device is None:
        return
    if not _DEVICE.fullmatch(device):
        raise RequestError(f"{device!r} is not a device", where="--device", remedy="Use cpu, cuda, cuda:1 or mps.")
    if here and ((device == "mps" and not _may_have_mps()) or (device.startswith("cuda") and not _may_have_cuda())):
        raise RequestError(
            f"this machine has no {device.partition(':')[0]} device that torch can use",
            where="--device",
            remedy="Use cpu.",
        )


def _may_have_mps() -> bool:
    return sys.platform == "darwin"


def _may_have_cuda() -> bool:
    """Return whether there may be a CUDA device; torch has the last word, but takes seconds to import."""
    try:
        if version("torch").endswith("+cpu"):
            return False
    except PackageNotFoundError:
        return True
    if sys.platform != "linux":
        return sys.platform == "win32"
    return any(Path(path).exists() for path in ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg"))


def check_model(source: ModelSource) -> None:
    """Refuse a model that plainly cannot be opened.

    Raises:
        ModelError: It is missing, or a folder without a model.
        FileError: Its header shows that it is not a model.
    """
    place = Path(source.location).expanduser()
    if not place.exists() and not _HUB_ID.fullmatch(source.location):
        raise ModelError(
            "there is no such model file or folder", where=source.location, remedy="Check `location` in models.toml."
        )
    if place.is_dir() and not (place / "model_index.json").is_file():
        raise ModelError(
            "the folder is not a diffusers model: it has no model_index.json",
            where=str(place),
            remedy="Name a folder with model_index.json, or a .safetensors file.",
        )
    if place.is_file() and place.suffix.lower() not in PICKLE_SUFFIXES:
        open_tensor_file(place, limits=CHECKPOINT_LIMITS)
    if source.upscaler and not Path(source.upscaler).is_file():
        raise ModelError(
            "there is no such upscaler file", where=source.upscaler, remedy="Check `upscaler` in models.toml."
        )
    if source.vae and not Path(source.vae).expanduser().exists():
        raise ModelError("there is no such VAE", where=source.vae, remedy="Check `vae` in models.toml.")


def check_folder(path: Path) -> None:
    """Refuse a folder that cannot be written to; it need not exist.

    Raises:
        FileError: It cannot.
    """
    there = next((folder for folder in (path, *path.absolute().parents) if folder.exists()), Path())
    if not there.is_dir():
        raise FileError(
            "no folder can be made there: a file is in the way",
            where=str(there),
            remedy="Name another folder with --output.",
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise FileError(
            "the folder cannot be written to", where=str(there), remedy="Name another folder with --output."
        )
