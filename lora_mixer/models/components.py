"""Components of a diffusers folder: networks, tokenizers and configurations, each opened by its own class from a local path."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from safetensors.torch import load_file
from torch import nn

from lora_mixer.errors import BrokenFileError, MissingFileError, ModelError, UnsafeFileError
from lora_mixer.files import open_file, read_file
from lora_mixer.libraries.classes import AutoencoderKL, CLIPTextConfig, CLIPTokenizer, ModelMixin, no_init_weights
from lora_mixer.models.build import build
from lora_mixer.models.folder_checks import check_network, shapes_of, shards, text_settings, told

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


def load_component(component: type[Network], folder: Path, *, dtype: torch.dtype) -> Network:
    """Load one component's safetensors weights and freeze it.

    Raises:
        MissingFileError: There are no safetensors weights.
        ModelError: Weights are missing or do not fit the configuration.
    """
    if not weight_files(folder):
        raise MissingFileError(
            "there are no .safetensors weights here",
            where=str(folder),
            remedy="Save the model with safe_serialization=True; pickled weights are not read.",
        )
    where = str(folder / "config.json")
    settings = read_json(folder / "config.json")
    shapes = shapes_of(_named_files(folder))
    if issubclass(component, ModelMixin):
        check_network(component, settings, shapes, where)
    else:
        _refuse_adapter(folder)
        settings = text_settings(settings, shapes, where)
    network = _built(component, folder, settings, dtype)
    return _by_library(component, folder, settings, dtype) if network is None else network


def _built(component: type[Network], folder: Path, settings: Mapping[str, Any], dtype: torch.dtype) -> Network | None:
    """Return a network with its weights put in place by us; None if they are not laid out as its class has them now.

    `from_pretrained` would go a long way round: transformers' compiles the renamings of some four hundred other models first.
    """
    if getattr(component, "_keep_in_fp32_modules", None):  # what stays in float32 is the library's to say
        return None
    tensors: dict[str, torch.Tensor] = {}
    try:
        with told(str(folder)):
            for file in _named_files(folder):
                tensors |= load_file(file)
            return build(component, settings, tensors, dtype, str(folder))
    except ModelError:
        return None


def _by_library(component: type[Network], folder: Path, settings: Mapping[str, Any], dtype: torch.dtype) -> Network:
    """Return a network as its library opens it: old names of weights are renamed there, and what is wrong has its words.

    Raises:
        ModelError: Weights are missing or do not fit the configuration.
    """
    options: dict[str, object] = {"torch_dtype": dtype}
    if not issubclass(
        component, ModelMixin
    ):  # attention is ours to choose: a configuration can name a kernel to download
        options = {"dtype": dtype, "config": CLIPTextConfig(**settings), "attn_implementation": "sdpa"}
    variant = next(v for v in VARIANTS if any(_is_variant(file, v) for file in weight_files(folder)))
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
    """Return the weight files of a component that are opened: of several, those that its index names.

    Raises:
        BrokenFileError: The index is none, or names a file elsewhere.
    """
    indexed = [shards(read_json(index), folder, str(index)) for index in sorted(folder.glob("*.index*.json"))]
    files = weight_files(folder)
    whole = tuple(file for file in files if file.name in WHOLE)
    return whole or next(iter(indexed), files)


def _refuse_adapter(folder: Path) -> None:
    if (folder / "adapter_config.json").exists():
        raise UnsafeFileError(
            "an adapter lies in the model's folder, and its settings name another model",
            where=str(folder / "adapter_config.json"),
            remedy="Move it to a folder of LoRAs.",
        )


def open_vae_folder(folder: Path, dtype: torch.dtype) -> AutoencoderKL:
    """Open a VAE that lies in a folder of its own."""
    vae: AutoencoderKL = load_component(AutoencoderKL, folder, dtype=dtype)
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


def weight_files(folder: Path) -> tuple[Path, ...]:
    """Return the weight files of a component, those of one variant."""
    files = tuple(sorted(folder.glob("*.safetensors")))
    return next((chosen for v in VARIANTS if (chosen := tuple(f for f in files if _is_variant(f, v)))), ())


def _is_variant(file: Path, variant: str | None) -> bool:
    return (".fp16." in file.name) == (variant == "fp16")
