"""What an adapter's card says beside its preview."""

from __future__ import annotations

from training.adapters.recipes import Recipe


def sidecar(recipe: Recipe) -> dict[str, object]:
    """What the card of the adapter says beside its preview."""
    return {
        "description": recipe.description,
        "activation text": recipe.trigger,
        "preferred weight": recipe.weight,
        "negative text": recipe.negative,
        "notes": f"{recipe.notes} Artwork: {recipe.attribution} ({recipe.licence}).",
    }
