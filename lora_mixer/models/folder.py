"""Open a diffusers folder: `model_index.json` and a sub-folder per component.

Every component is opened by its own class from a local path. No pipeline class is built and nothing in the folder
is imported: a folder with Python files or with a class of its own in `model_index.json` is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from torch import nn

from lora_mixer.errors import BrokenFileError, MissingFileError, ModelError, UnsafeFileError
from lora_mixer.files import open_file, read_file
from lora_mixer.libraries.classes import (
    AutoencoderKL,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    ModelMixin,
    TextEncoder,
    UNet2DConditionModel,
    no_init_weights,
)
from lora_mixer.models.detect import family_of_unet
from lora_mixer.models.folder_checks import (
    check_network,
    check_schedule,
    check_tokenizer,
    shapes_of,
    shards,
    text_settings,
    told,
)
from lora_mixer.models.model import Model
from lora_mixer.modules import Family

TEXT_FOLDERS = {"te1": ("text_encoder", "tokenizer"), "te2": ("text_encoder_2", "tokenizer_2")}
CLASSES: Mapping[str, type[TextEncoder]] = {"te1": CLIPTextModel, "te2": CLIPTextModelWithProjection}
TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.json",
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
END_OF_TEXT = "<|endoftext|>"
VARIANTS = (None, "fp16")
WHOLE = {f"{stem}{variant}.safetensors" for stem in ("diffusion_pytorch_model", "model") for variant in ("", ".fp16")}
MOST_BYTES = 16 * 2**20
"""A configuration, or a file of a tokenizer."""

Network = TypeVar("Network", bound=nn.Module)


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
    unet_config = read_json(folder / "unet" / "config.json")
    family = family_of_unet(unet_config, where=str(folder))
    parts = _text_parts(folder, family)
    place = folder / "scheduler" / "scheduler_config.json"
    schedule = check_schedule(read_json(place), where=str(place))
    tokenizers = {
        part: load_tokenizer(folder / TEXT_FOLDERS[part][1], pads_with_zero=part == "te2" or family is Family.SD2)
        for part in parts
    }
    encoders: dict[str, TextEncoder] = {}
    for part in parts:
        text = folder / TEXT_FOLDERS[part][0]
        encoders[part] = load_component(CLASSES[part], text, dtype=dtype)
        check_tokenizer(tokenizers[part], encoders[part].config.vocab_size, where=str(folder / TEXT_FOLDERS[part][1]))
    return Model(
        name=name,
        family=family,
        unet=load_component(UNet2DConditionModel, folder / "unet", torch_dtype=dtype),
        text_encoders=encoders,
        vae=open_vae_folder(folder / "vae", dtype),
        tokenizers=tokenizers,
        scheduler_config=schedule,
        files=folder_files(folder),
        settings_files=settings_files(folder),
    )


def folder_files(folder: Path) -> tuple[Path, ...]:
    """Return a diffusers folder's weight files, component by component."""
    components = ("unet", *(text for text, _ in TEXT_FOLDERS.values()), "vae")
    return tuple(weights for component in components for weights in _weight_files(folder / component))


def settings_files(folder: Path) -> tuple[Path, ...]:
    """Return a diffusers folder's files, besides weights, that affect pixels."""
    texts, tokenizers = zip(*TEXT_FOLDERS.values(), strict=True)
    found = [folder / "scheduler" / "scheduler_config.json"]
    for component in ("unet", "vae", *texts):
        found += [folder / component / "config.json", *(folder / component).glob("*.safetensors.index.json")]
    for tokenizer in tokenizers:
        found += [folder / tokenizer / name for name in TOKENIZER_FILES]
    return tuple(file for file in found if file.is_file())


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


def _text_parts(folder: Path, family: Family) -> tuple[str, ...]:
    wanted = {Family.SDXL: ("te1", "te2"), Family.SDXL_REFINER: ("te2",)}.get(family, ("te1",))
    for part in wanted:
        for name in TEXT_FOLDERS[part]:
            if not (folder / name).is_dir():
                raise MissingFileError(f"the model folder has no {name}", where=str(folder))
    return wanted


def load_component(component: type[Network], folder: Path, **options: object) -> Network:
    """Load one component's safetensors weights and freeze it.

    Raises:
        MissingFileError: There are no safetensors weights.
        ModelError: Weights are missing or do not fit the configuration.
    """
    if not _weight_files(folder):
        raise MissingFileError(
            "there are no .safetensors weights here",
            where=str(folder),
            remedy="Save the model with safe_serialization=True; pickled weights are not read.",
        )
    variant = next(v for v in VARIANTS if any(_is_variant(file, v) for file in _weight_files(folder)))
    where = str(folder / "config.json")
    config = read_json(folder / "config.json")
    shapes = shapes_of(_named_files(folder))
    if issubclass(component, ModelMixin):
        check_network(component, config, shapes, where)
    else:  # attention is ours to choose: a configuration can name a kernel to download
        _refuse_adapter(folder)
        settings = text_settings(config, shapes, where)
        options |= {"config": CLIPTextConfig(**settings), "attn_implementation": "sdpa"}
    with told(str(folder)), no_init_weights():  # every weight is in the file, or it is refused
        network, report = cast(Any, component).from_pretrained(
            str(folder),
            use_safetensors=True,
            local_files_only=True,
            variant=variant,
            output_loading_info=True,
            **options,
        )
    missing = sorted(report["missing_keys"])
    if missing:
        raise ModelError(f"{len(missing)} weights are missing, first {missing[0]}", where=str(folder))
    over = sorted(report["unexpected_keys"]) if issubclass(component, ModelMixin) else []
    if over:
        raise ModelError(f"{len(over)} weights have no place, first {over[0]}", where=str(folder))
    loaded: Network = network.requires_grad_(requires_grad=False).eval()
    return loaded


def _named_files(folder: Path) -> tuple[Path, ...]:
    """Return a component's weight files: of several, those its index names.

    Raises:
        BrokenFileError: The index is none, or names a file elsewhere.
    """
    indexed = [shards(read_json(index), folder, str(index)) for index in sorted(folder.glob("*.index*.json"))]
    files = _weight_files(folder)
    whole = tuple(file for file in files if file.name in WHOLE)
    return whole or next(iter(indexed), files)


def _refuse_adapter(folder: Path) -> None:
    if (folder / "adapter_config.json").exists():
        raise UnsafeFileError(
            "the model's folder contains an adapter whose settings name another model",
            where=str(folder / "adapter_config.json"),
            remedy="Move it to a folder of LoRAs.",
        )


def open_vae_folder(folder: Path, dtype: torch.dtype) -> AutoencoderKL:
    """Open a VAE in its own folder."""
    vae: AutoencoderKL = load_component(AutoencoderKL, folder, torch_dtype=dtype)
    return vae


def load_tokenizer(folder: Path, *, pads_with_zero: bool) -> CLIPTokenizer:
    """Load a CLIP tokenizer from `tokenizer.json`, or `vocab.json` with `merges.txt`.

    OpenCLIP's encoders were trained with token 0 as padding. Token 0 is the letter `!` inside a word; were it
    declared as the padding's text, as some tokenizer folders do, every `!` of a prompt would become padding.
    """
    for name in TOKENIZER_FILES:
        if (folder / name).exists():
            open_file(folder / name, at_most=MOST_BYTES).close()
    with told(str(folder)):
        tokenizer = CLIPTokenizer.from_pretrained(str(folder), local_files_only=True, pad_token=END_OF_TEXT)
    if pads_with_zero:
        tokenizer.pad_token_id = 0
    return cast(CLIPTokenizer, tokenizer)


def read_json(path: Path) -> Mapping[str, Any]:
    """Read a JSON object.

    Raises:
        MissingFileError: The file is not there.
        BrokenFileError: It is not a JSON object.
    """
    try:
        content = json.loads(read_file(path, at_most=MOST_BYTES).decode("utf-8"))
    except MissingFileError as error:
        raise MissingFileError(
            f"the model's file cannot be read: {error.what}", where=str(path), remedy="Is this a diffusers folder?"
        ) from error
    except (ValueError, RecursionError) as error:
        raise BrokenFileError("this is not JSON", where=str(path)) from error
    if not isinstance(content, dict):
        raise BrokenFileError("this is not a JSON object", where=str(path))
    return content


def _weight_files(folder: Path) -> tuple[Path, ...]:
    files = tuple(sorted(folder.glob("*.safetensors")))
    return next((chosen for v in VARIANTS if (chosen := tuple(f for f in files if _is_variant(f, v)))), ())


def _is_variant(file: Path, variant: str | None) -> bool:
    return (".fp16." in file.name) == (variant == "fp16")
