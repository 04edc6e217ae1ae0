"""`lora-mixer upscalers`: list what enlarges pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lora_mixer.catalog import UpscalerLibrary, load_models_file
from lora_mixer.choices import UPSCALERS
from lora_mixer.errors import LoraMixerError
from lora_mixer_app.cli.options import AsJson, ModelsPath
from lora_mixer_app.cli.output import Console, PlainTable, print_json


def upscalers(
    models_path: ModelsPath = None,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Open every file, and say what network it is or why it is none.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List what enlarges pictures: what comes with the program, and the files in the upscalers folders of models.toml."""
    folders = load_models_file(models_path).upscaler_folders
    library = UpscalerLibrary(folders)
    found = {name: (path, _opened(path) if check else "") for name, path in library.files.items()}
    if as_json:
        files = [
            {"name": n, "file": str(p), "bytes": p.stat().st_size, "network": what} for n, (p, what) in found.items()
        ]
        print_json({"built_in": [row.name for row in UPSCALERS], "files": files})
        return
    console = Console()
    table = PlainTable("name", "MB", "file", *(["network"] if check else []))
    for name, (path, what) in found.items():
        table.add_row(name, f"{path.stat().st_size / 1e6:.1f}", path.name, *([what] if check else []))
    if found:
        console.print(table)
    else:
        console.say(f"No upscaler file in {', '.join(map(str, folders)) or 'any folder'}.")
    for file in library.broken:
        console.say(f"broken: {file.path}: {file.reason}", style="yellow")
    console.say(f"without a file: {', '.join(row.name for row in UPSCALERS)}")


def _opened(path: Path) -> str:
    """Return what network a file holds, or why none."""
    from lora_mixer.upscalers import open_upscaler

    try:
        network = open_upscaler(path)
    except LoraMixerError as error:
        return f"not usable: {error.what}"
    return f"{network.form}, {network.scale} times"
