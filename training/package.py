"""Put the finished parts together as package data: a diffusers folder, adapters, embedding, licences."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch

from training.adapters.cards import copy_with_facts, sidecar
from training.adapters.recipes import RECIPES, Recipe
from training.adapters.train import FOLDER as LORA_FOLDER
from training.assemble import write_model
from training.embedding import FOLDER as EMBEDDING_FOLDER
from training.embedding import NAME as EMBEDDING_NAME
from training.painter import Painter, open_emoji, painter_of
from training.paths import DATA, ROOT
from training.progress import report
from training.sheets import save_small, to_image
from training.wearing import Wearing

LIMIT = 48_000_000
"""Bytes the package data may have."""

PREVIEW_PROMPTS = {"top_hat": "cat", "warm_cold": "house"}
PREVIEW_PROMPT = "fox"


def write_preview(recipe: Recipe, folder: Path, painter: Painter, worn: Wearing) -> None:
    """Paint ``NAME.preview.png`` with the adapter at its preferred strength."""
    words = PREVIEW_PROMPTS.get(recipe.name, PREVIEW_PROMPT)
    prompt = f"{words}, {recipe.trigger}" if recipe.trigger else words
    with worn.on({recipe.name: recipe.weight}):
        picture = painter.paint([prompt], seeds=[3], steps=25 if recipe.look else 4, leaps=not recipe.look)[0]
    save_small(to_image(picture), folder / f"{recipe.name}.preview.png")


def write_adapters(folder: Path) -> None:
    """Copy the adapters with their cards, and paint the previews."""
    folder.mkdir(parents=True, exist_ok=True)
    model = open_emoji(folder.parent / "model")
    painter, worn = painter_of(model), Wearing(model, folder)
    for recipe in RECIPES:
        copy_with_facts(recipe, LORA_FOLDER / f"{recipe.name}.safetensors", folder / f"{recipe.name}.safetensors")
        (folder / f"{recipe.name}.json").write_text(json.dumps(sidecar(recipe), indent=2) + "\n")
        write_preview(recipe, folder, painter, worn)


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
