"""What an adapter's file and its card say of it."""

from __future__ import annotations

from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file

from training.adapters.recipes import Recipe

ALPHA = "ss_network_alpha"
"""The metadata key of alpha, which kohya's tensors have as well."""


def sidecar(recipe: Recipe) -> dict[str, object]:
    """What the card of the adapter says beside its preview."""
    return {
        "description": recipe.description,
        "activation text": recipe.trigger,
        "preferred weight": recipe.weight,
        "negative text": recipe.negative,
        "notes": f"{recipe.notes} Artwork: {recipe.attribution} ({recipe.licence}).",
    }


def facts(recipe: Recipe) -> dict[str, str]:
    """What the file says of itself in ``modelspec.*`` 1.0.1, beside what its trainer wrote."""
    return {
        "modelspec.title": recipe.title,
        "modelspec.description": recipe.description,
        "modelspec.author": "LoRA Mixer",
        "modelspec.license": recipe.licence,
        "modelspec.attribution": recipe.attribution,
        "modelspec.usage_hint": recipe.notes,
    }


def copy_with_facts(recipe: Recipe, file: Path, target: Path) -> None:
    """Copy an adapter's file with what is to be said of it; of its tensors only alpha changes, where the recipe stretches it."""
    with safe_open(file, "pt") as opened:
        metadata, tensors = opened.metadata(), {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118 - no mapping
    if recipe.stretch != 1:
        tensors = {key: one * recipe.stretch if key.endswith(".alpha") else one for key, one in tensors.items()}
        metadata[ALPHA] = str(float(metadata[ALPHA]) * recipe.stretch)
    save_file(tensors, target, metadata=metadata | facts(recipe))
    target.chmod(0o644)
