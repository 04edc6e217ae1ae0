"""The base and the VAE as one diffusers folder, in float16: what adapters are trained on, and what is shipped."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from training.base import load_base
from training.decoder import FINISHED
from training.diffusion import make_scheduler
from training.networks import make_text_encoder, open_vae
from training.tokenizer import FOLDER as TOKENIZER_FOLDER
from training.tokenizer import CompactTokenizer


def expand_text_encoder(text: CLIPTextModel, tokenizer: CompactTokenizer) -> CLIPTextModel:
    """Give a text encoder its 49,408 token rows back; rows no caption used are zero, and so say nothing."""
    full = make_text_encoder()
    state = {key: value for key, value in text.state_dict().items() if "token_embedding" not in key}
    full.load_state_dict(state, strict=False)
    rows, trained = _token_rows(full), _token_rows(text)
    with torch.no_grad():
        rows.zero_()
        rows[tokenizer.kept] = trained
    return full


def _open_in_float32(config: Path) -> None:
    """Let transformers widen the float16 file as diffusers does with its own: else one pipeline gets two dtypes."""
    settings = json.loads(config.read_text())
    config.write_text(json.dumps(settings | {"dtype": "float32"}, indent=2, sort_keys=True) + "\n")


def _token_rows(text: CLIPTextModel) -> Tensor:
    embedding: nn.Module = text.get_input_embeddings()
    return embedding.get_parameter("weight")


def write_model(folder: Path) -> None:
    """Save the pipeline in float16, with the tokenizer in Stable Diffusion's two files."""
    text, unet, tokenizer = load_base()
    make: Any = StableDiffusionPipeline
    encoder: Any = expand_text_encoder(text, tokenizer)
    pipeline = make(
        vae=open_vae(FINISHED).half(),
        text_encoder=encoder.half(),
        tokenizer=CLIPTokenizer.from_pretrained(TOKENIZER_FOLDER),
        unet=unet.half(),
        scheduler=make_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    shutil.rmtree(folder / "tokenizer")
    shutil.copytree(TOKENIZER_FOLDER, folder / "tokenizer")
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o644)
    for config in folder.rglob("config.json"):
        settings = json.loads(config.read_text())
        settings.pop("_name_or_path", None)
        config.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")
    _open_in_float32(folder / "text_encoder" / "config.json")
