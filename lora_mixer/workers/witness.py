"""A fingerprint of everything a plan depends on, without a model: if it is unchanged, so is the plan. No torch here.

Size, times and inode of every file decide, not its bytes: a file that is touched only costs a look at the model, and one
that is changed with its date put back still has another time of change. Windows keeps none; there a plan is always looked at.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lora_mixer.catalog import ModelsFile
from lora_mixer.errors import LoraMixerError
from lora_mixer.promptfile.plan import PromptFile
from lora_mixer.request import ModelSource
from lora_mixer.workers.executor import MixerOptions

LIBRARIES = ("lora-mixer", "torch", "diffusers", "transformers")


def witness_of(plan: PromptFile, setup: MixerOptions, file: ModelsFile) -> str:
    """Return a digest over options, versions, and the state of all files a plan may depend on; empty if it can't be told.

    Args:
        plan: What is asked for.
        setup: How a worker opens the model.
        file: The models.toml.
    """
    if sys.platform == "win32":
        return ""
    names = {setup.model, *(job.request.model for job in plan.jobs)}
    try:
        sources = [file.model(name) for name in names]
    except LoraMixerError:
        return ""
    folders = (*file.lora_folders, *file.embedding_folders, *file.upscaler_folders, *file.wildcard_folders)
    places = (file.path, *folders, *file.style_files, *map(_place, sources), *_named(plan))
    places += tuple(
        Path(beside).expanduser() for source in sources for beside in (source.vae, source.upscaler) if beside
    )
    lines = [repr(setup), repr(file), *map(_version, LIBRARIES), *_states(dict.fromkeys(places))]
    return sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _named(plan: PromptFile) -> Iterator[Path]:
    """Yield files that requests name by path: input pictures, LoRAs and masks."""
    for job in plan.jobs:
        pictures = (job.request.init, job.request.mask)
        yield from (picture.path for picture in pictures if picture is not None and picture.path is not None)
        regions = job.request.regions
        yield from (region.mask for region in regions if isinstance(region.mask, Path))
        for use in (*job.request.loras, *(use for region in regions for use in region.loras)):
            yield Path(use.name)
            if isinstance(use.strength.mask, Path):
                yield use.strength.mask
        yield from (
            Path(part.split(":")[1]) for part in job.request.prompt.split("<") if part.count(":") > 0 and "/" in part
        )


def _place(source: ModelSource) -> Path:
    """Return where a model lies; a hub id's folder in the cache."""
    place = Path(source.location).expanduser()
    if place.exists():
        return place
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE) / f"models--{source.location.replace('/', '--')}"


def _states(places: Iterable[Path]) -> Iterator[str]:
    for place in places:
        yield _state(place)
        for folder, below, names in os.walk(place, followlinks=False):
            below.sort()
            yield from (_state(Path(folder) / name) for name in sorted(names))


def _state(path: Path) -> str:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return f"{path}: none"
    times = (found.st_mtime_ns, found.st_ctime_ns) if path.is_file() else ()
    return f"{path}: {found.st_size if times else 0} {times} {found.st_ino} {found.st_dev}"


def _version(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"{name} from source"
