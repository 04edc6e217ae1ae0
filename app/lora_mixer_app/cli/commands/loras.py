"""`lora-mixer loras`: list the LoRA folders."""

from __future__ import annotations

from typing import Annotated

import typer

from lora_mixer.catalog import Library, load_models_file
from lora_mixer_app.cli.options import AsJson, ModelsPath
from lora_mixer_app.cli.output import Console, PlainTable, print_json

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
    console = Console()
    table = PlainTable("name", "MB", "trained words")
    for entry in found:
        words = ", ".join(entry.trained_words[:WORDS_SHOWN])
        table.add_row(entry.name, f"{entry.size / 1e6:.1f}", words)
    console.print(table)
    if not found:
        console.say("No LoRA found." if not search else f"No LoRA has {search!r} in its name.")
    for file in library.broken:
        console.say(f"broken: {file.path}: {file.reason}", style="yellow")
    for name, entries in library.clashes.items():
        candidates = ", ".join(entry.name for entry in entries)
        console.say(f"same name twice: {name}: {candidates}", style="yellow")
