"""Open a diffusers folder: `model_index.json` and a sub-folder per component.

Every component is opened by its own class from a local path. No pipeline class is built and nothing in the folder
is imported: a folder with Python files or with a class of its own in `model_index.json` is refused.
"""

from __future__ import annotations

from pathlib import Path

import torch

from lora_mixer.errors import MissingFileError, ModelError, UnsafeFileError
from lora_mixer.families import (
    DenoiserKind,
    Family,
    TextEncoderSpec,
    all_families,
    denoiser_kinds,
    family_of_config,
    text_encoders,
)
from lora_mixer.libraries.classes import TEXT_CLASSES, TextEncoder
from lora_mixer.models.components import (
    TOKENIZER_FILES,
    load_component,
    load_tokenizer,
    open_vae_folder,
    read_json,
    weight_files,
)
from lora_mixer.models.denoisers import opener_of
from lora_mixer.models.folder_checks import check_schedule, check_tokenizer
from lora_mixer.models.model import Model


def open_folder(folder: Path, *, name: str, dtype: torch.dtype) -> Model:
    """Open a diffusers folder on the CPU.

    Raises:
        MissingFileError: A component or its weights are missing.
        UnsafeFileError: The folder contains code, or names a custom class.
        ModelError: It is not a Stable Diffusion text-to-image model.
    """
    if not (folder / "model_index.json").is_file():
        raise MissingFileError(
            "this folder is not a diffusers model: it has no model_index.json",
            where=str(folder),
            remedy="Name the folder that model_index.json lies in, or a .safetensors checkpoint.",
        )
    refuse_code(folder)
    kind = _kind_of(folder)
    family = family_of_config(kind, read_json(folder / kind.folder / "config.json"), where=str(folder))
    _require_text(folder, family)
    place = folder / "scheduler" / "scheduler_config.json"
    schedule = check_schedule(read_json(place), where=str(place))
    tokenizers = {
        spec.part: load_tokenizer(folder / spec.tokenizer, pads_with_zero=spec.open_clip)
        for spec in family.text_encoders
    }
    encoders: dict[str, TextEncoder] = {}
    for spec in family.text_encoders:
        encoder = load_component(TEXT_CLASSES[spec.class_name], folder / spec.folder, dtype=dtype)
        check_tokenizer(tokenizers[spec.part], encoder.config.vocab_size, where=str(folder / spec.tokenizer))
        encoders[spec.part] = encoder
    return Model(
        name=name,
        family=family,
        denoiser=opener_of(family).from_folder(folder / kind.folder, family, dtype),
        text_encoders=encoders,
        vae=open_vae_folder(folder / "vae", dtype),
        tokenizers=tokenizers,
        scheduler_config=schedule,
        files=folder_files(folder),
        settings_files=settings_files(folder),
    )


def folder_files(folder: Path) -> tuple[Path, ...]:
    """Return a diffusers folder's weight files, component by component."""
    components = (*_denoisers(), *(spec.folder for spec in _text()), "vae")
    return tuple(weights for component in components for weights in weight_files(folder / component))


def settings_files(folder: Path) -> tuple[Path, ...]:
    """Return the files of a diffusers folder beside its weights that decide pixels."""
    found = [folder / "scheduler" / "scheduler_config.json"]
    for component in (*_denoisers(), "vae", *(spec.folder for spec in _text())):
        found += [folder / component / "config.json", *(folder / component).glob("*.safetensors.index.json")]
    for spec in _text():
        found += [folder / spec.tokenizer / name for name in TOKENIZER_FILES]
    return tuple(file for file in found if file.is_file())


def _denoisers() -> tuple[str, ...]:
    """Return the folders that denoisers lie in."""
    return tuple(kind.folder for kind in denoiser_kinds())


def _text() -> tuple[TextEncoderSpec, ...]:
    """Return the text encoders that models have, one of each part, in the order of the parts."""
    by_part = {spec.part: spec for spec in text_encoders()}
    return tuple(by_part[part] for part in sorted(by_part))


def _kind_of(folder: Path) -> DenoiserKind:
    """Return the kind of denoiser a folder has.

    Raises:
        ModelError: It has none that can be opened.
    """
    for kind in denoiser_kinds():
        if (folder / kind.folder).is_dir():
            return kind
    named = read_json(folder / "model_index.json").get("_class_name")
    titles = ", ".join(family.title for family in all_families())
    raise ModelError(
        f"the model folder has no {' or '.join(_denoisers())}: {named} cannot be opened",
        where=str(folder),
        remedy=f"Families that can be opened: {titles}.",
    )


def refuse_code(folder: Path) -> None:
    """Refuse a folder that contains code.

    Raises:
        UnsafeFileError: There is a Python file in it, or `model_index.json` names a class that is not the library's.
    """
    script = next(folder.rglob("*.py"), None)
    if script is not None:
        raise UnsafeFileError(
            "the model folder contains Python code", where=str(script), remedy="Delete the file: no model needs it."
        )
    index = read_json(folder / "model_index.json")
    odd = [key for key, value in index.items() if not _is_library_class(key, value)]
    if odd:
        raise UnsafeFileError(
            f"{', '.join(odd)} is not a class of diffusers or transformers", where=str(folder / "model_index.json")
        )


def _is_library_class(key: str, value: object) -> bool:
    if key == "_class_name":
        return isinstance(value, str)
    if not isinstance(value, list):
        return True
    return value[:1] in ([None], ["diffusers"], ["transformers"], ["stable_diffusion"])


def _require_text(folder: Path, family: Family) -> None:
    for spec in family.text_encoders:
        for name in (spec.folder, spec.tokenizer):
            if not (folder / name).is_dir():
                raise MissingFileError(f"the model folder has no {name}", where=str(folder))
