"""A mix merged into its model, as a diffusers folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors import SafetensorError

from lora_mixer.blend import MergeEngine
from lora_mixer.errors import FileError
from lora_mixer.export.checkpoint_file import lost_embeddings
from lora_mixer.export.mix import StaticMix
from lora_mixer.export.report import BakeReport
from lora_mixer.export.writing import dtype_of, require_free
from lora_mixer.files.modes import share_by_umask
from lora_mixer.models import UPSCALER, save_folder
from lora_mixer.upscalers import copy_weights

DESCRIPTION = "bake.json"


@torch.no_grad()
def bake_folder(mix: StaticMix, engine: MergeEngine, path: Path, *, dtype: str, overwrite: bool = False) -> BakeReport:
    """Write the merged model as a diffusers folder, with what went into it in `bake.json` and the upscaler the model brings.

    Args:
        mix: The mix.
        engine: What merges it; the model is pristine again afterwards.
        path: The folder to make.
        dtype: What the tensors are stored in.
        overwrite: Replace what lies there.

    Raises:
        RequestError: The dtype cannot be stored in a file.
        FileError: It cannot be written, or the model's upscaler cannot be read.
    """
    stored = dtype_of(dtype)
    require_free(path, overwrite=overwrite)
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.mkdir(exist_ok=True)
        if mix.model.upscaler is not None:
            copy_weights(mix.model.upscaler, temporary / UPSCALER)
        with engine.applied([mix.stack], parts=mix.model.parts):
            save_folder(mix.model, temporary, dtype=stored)
        (temporary / DESCRIPTION).write_text(mix.described(), encoding="utf-8")
        share_by_umask(temporary)
        mix.check()
        _take_place(temporary, path)
    except (OSError, SafetensorError) as error:
        raise FileError(
            f"cannot be written: {error}", where=str(path), remedy="Check the folder and the disk."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    modules = len(mix.stack.terms(parts=mix.model.parts, progress=0.0))
    return BakeReport(path=path, modules=modules, notes=lost_embeddings(mix))


def _take_place(temporary: Path, path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    temporary.replace(path)
