"""Bake a request's mix into a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lora_mixer.choices import find_method
from lora_mixer.errors import RequestError
from lora_mixer.export import (
    BakeReport,
    Ingredient,
    OnModule,
    StaticMix,
    bake_checkpoint,
    bake_folder,
    bake_lora,
    require_static,
)
from lora_mixer.images import plain
from lora_mixer.pipeline import Job, LoadedModel

FORMS = ("lora", "checkpoint", "folder")


def bake(
    loaded: LoadedModel,
    job: Job,
    path: Path,
    *,
    form: str,
    rank: int,
    dtype: str,
    overwrite: bool,
    version: str,
    on_module: OnModule | None,
    check: Callable[[], None],
) -> BakeReport:
    """Write the mix of a job; the arguments are `Mixer.bake`'s, and `check` raises if a file it is made from was written.

    Raises:
        RequestError: The mix cannot be baked, or an argument is impossible.
        FileError: It cannot be written.
    """
    if form not in FORMS:
        raise RequestError(f"{form!r} is not a form of baking", remedy=f"Use one of {', '.join(FORMS)}.")
    if form != "folder" and path.suffix != ".safetensors":
        raise RequestError("a baked file must be a .safetensors", where=str(path), remedy="Give it that ending.")
    method = find_method(job.settings.method)
    if method.row.predictions and len(job.uses) > 1:
        raise RequestError(
            f"{method.row.title} blends what the denoiser predicts, and weights hold one mix",
            remedy="Bake it by the method sum, ties, dare or ssr.",
        )
    mix = StaticMix(
        model=loaded.model,
        stack=require_static(job.passes[0].stacks, [use.name for use in job.uses]),
        ingredients=tuple(
            Ingredient(name=use.name, sha256=use.sha256, strength=plain(use.placed.strength)) for use in job.uses
        ),
        version=version,
        check=check,
    )
    if form == "lora":
        return bake_lora(mix, path, rank=rank, dtype=dtype, overwrite=overwrite, on_module=on_module)
    write = bake_checkpoint if form == "checkpoint" else bake_folder
    return write(mix, loaded.merged, path, dtype=dtype, overwrite=overwrite)
