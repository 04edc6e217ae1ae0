"""Put the finished parts together as package data: a diffusers folder, adapters, embedding, licences."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from training.adapters.adapter import stacked
from training.adapters.read import read_adapter
from training.adapters.recipes import RECIPES, Recipe
from training.adapters.train import FOLDER as LORA_FOLDER
from training.base import load_base
from training.decoder import FINISHED
from training.diffusion import make_scheduler
from training.embedding import FOLDER as EMBEDDING_FOLDER
from training.embedding import NAME as EMBEDDING_NAME
from training.networks import make_text_encoder, open_vae
from training.painter import open_painter
from training.paths import DATA, ROOT
from training.progress import report
from training.sheets import save_small, to_image
from training.tokenizer import FOLDER as TOKENIZER_FOLDER
from training.tokenizer import CompactTokenizer

LIMIT = 40_000_000
"""Bytes the package data may have."""

PREVIEW_PROMPTS = {"top_hat": "cat", "warm_cold": "house"}
PREVIEW_PROMPT = "fox"


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


def write_preview(recipe: Recipe, folder: Path) -> None:
    """Paint ``NAME.preview.png`` with the adapter at its preferred strength."""
    painter = open_painter()
    adapter = read_adapter(folder / f"{recipe.name}.safetensors", painter.text, painter.unet)
    words = PREVIEW_PROMPTS.get(recipe.name, PREVIEW_PROMPT)
    prompt = f"{words}, {recipe.trigger}" if recipe.trigger else words
    with stacked([(adapter, recipe.weight)]):
        picture = painter.paint([prompt], seeds=[3], steps=25)[0]
    save_small(to_image(picture), folder / f"{recipe.name}.preview.png")


def write_adapters(folder: Path) -> None:
    """Copy the adapters with their cards, and paint the previews."""
    folder.mkdir(parents=True, exist_ok=True)
    for recipe in RECIPES:
        for suffix in (".safetensors", ".json"):
            shutil.copy(LORA_FOLDER / f"{recipe.name}{suffix}", folder)
        write_preview(recipe, folder)


def write_embedding(folder: Path) -> None:
    """Copy the embedding with its card."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(EMBEDDING_FOLDER / f"{EMBEDDING_NAME}.safetensors", folder)
    card = {
        "description": "Four vectors that mean what pictures should not look like: name it in the negative prompt.",
        "activation text": "",
        "negative text": EMBEDDING_NAME,
    }
    (folder / f"{EMBEDDING_NAME}.json").write_text(json.dumps(card, indent=2) + "\n")


def package_size(folder: Path = DATA) -> int:
    """Bytes of all files of the package data."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Write ``lora_mixer/data/emoji`` anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    write_model(DATA / "model")
    write_adapters(DATA / "loras")
    write_embedding(DATA / "embeddings")
    shutil.copytree(ROOT / "training" / "licences", DATA, dirs_exist_ok=True)
    size = package_size()
    report("package", f"{size / 1e6:.1f} MB")
    if size > LIMIT:
        raise ValueError(f"the package data has {size / 1e6:.1f} MB, more than {LIMIT / 1e6:.0f}")


if __name__ == "__main__":
    main()
