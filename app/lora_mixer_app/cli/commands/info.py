"""`lora-mixer info`: show how a picture was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from lora_mixer.catalog import Library, load_models_file
from lora_mixer.images import RenderRecord, plain, read_picture
from lora_mixer.wording import counted
from lora_mixer_app.cli.options import AsJson, ModelsPath
from lora_mixer_app.cli.output import Console, print_json


def info(
    image: Annotated[Path, typer.Argument(help="A picture: ours, or one of another program.")],
    *,
    as_json: AsJson = False,
    local: Annotated[
        bool, typer.Option("--local", help="Call LoRAs by the names that files of the same digest have here.")
    ] = False,
    models_path: ModelsPath = None,
) -> None:
    """Say how a picture was made: prompt, settings, LoRAs with digests; nothing is decoded or opened."""
    found = read_picture(image)
    if local:
        from lora_mixer.mixer import with_local_names

        found = with_local_names(found, Library(load_models_file(models_path).lora_folders, paths=False))
    if as_json:
        print_json(plain(found))
        return
    console = Console()
    console.say(f"made by: {found.source}")
    if found.request is not None:
        values = plain(found.request)
        if isinstance(values, dict):
            for name, value in values.items():
                if value not in (None, [], ""):
                    console.say(f"{name}: {json.dumps(value, ensure_ascii=False)}")
    if found.record is not None:
        _say_record(console, found.record)
    for note in (*found.notes, *(found.record.notes if found.record else ())):
        console.say(f"note: {note}", style="yellow")


def _say_record(console: Console, record: RenderRecord) -> None:
    """Say what a record adds to the settings: the engine, and the files by their digests."""
    console.say(f"engine: {record.engine} ({record.engine_reason}), {record.dtype} on {record.device}")
    for adapter in record.adapters:
        console.say(
            f"LoRA {adapter.name}: {adapter.kind}, {counted(adapter.modules, 'module')}, sha256 {adapter.sha256[:12]}"
        )
    for upscaler in record.upscalers:
        console.say(f"upscaler {upscaler.name}: {upscaler.file}, sha256 {upscaler.sha256[:12]}")
