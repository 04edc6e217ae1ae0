"""`lora-mixer loras`: what lies in the LoRA folders."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lora_mixer.catalog import Library, load_models_file
from lora_mixer_app.options import AsJson, ModelsPath
from lora_mixer_app.output import print_json

WORDS_SHOWN = 4


def loras(
    search: Annotated[str, typer.Argument(help="Show only names that contain this.")] = "",
    models_path: ModelsPath = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the LoRAs in the folders of models.toml, with trigger words; broken files are listed with the reason."""
    library = Library(load_models_file(models_path).lora_folders)
    found = [entry for entry in library.entries if search.lower() in entry.name.lower()]
    if as_json:
        rows = [
            {
                "name": entry.name,
                "file": str(entry.path),
                "bytes": entry.size,
                "trained_words": list(entry.trained_words),
                "preferred_strength": entry.sidecar.preferred_weight,
                "activation_text": entry.sidecar.activation_text,
                "negative_text": entry.sidecar.negative_text,
                "description": entry.sidecar.description,
            }
            for entry in found
        ]
        print_json(rows)
        return
    console = Console(highlight=False)
    table = Table("name", "MB", "trained words", box=None, pad_edge=False)
    for entry in found:
        words = ", ".join(entry.trained_words[:WORDS_SHOWN])
        table.add_row(escape(entry.name), f"{entry.size / 1e6:.1f}", escape(words))
    console.print(table)
    if not found:
        console.print("No LoRA found." if not search else f"No LoRA has {search!r} in its name.", markup=False)
    for file in library.broken:
        console.print(f"broken: {file.path}: {file.reason}", markup=False, soft_wrap=True, style="yellow")
    for name, entries in library.clashes.items():
        candidates = ", ".join(entry.name for entry in entries)
        console.print(f"same name twice: {name}: {candidates}", markup=False, soft_wrap=True, style="yellow")
