"""`lora-mixer models`: list the models of models.toml."""

from __future__ import annotations

from lora_mixer.catalog import load_models_file
from lora_mixer_app.cli.options import AsJson, ModelsPath
from lora_mixer_app.cli.output import Console, PlainTable, print_json


def models(models_path: ModelsPath = None, *, as_json: AsJson = False) -> None:
    """List the models by name, where they lie, and the folders of LoRAs, embeddings and upscalers."""
    file = load_models_file(models_path)
    if as_json:
        rows = {name: source.location for name, source in file.models.items()}
        print_json({"default": file.default, "models": rows, "file": str(file.path)})
        return
    console = Console()
    table = PlainTable("name", "location")
    for name, source in file.models.items():
        table.add_row(f"{name} (default)" if name == file.default else name, source.location)
    console.print(table)
    for title, folders in (
        ("LoRA folders", file.lora_folders),
        ("embedding folders", file.embedding_folders),
        ("upscaler folders", file.upscaler_folders),
    ):
        console.say(f"{title}: {', '.join(map(str, folders)) or 'none'}")
    console.say(f"from {file.path}")
