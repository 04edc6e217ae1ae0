"""`lora-mixer init`: create a working folder with the files the documents mention."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lora_mixer.catalog import packaged_text
from lora_mixer.images import make_folder, write_whole
from lora_mixer_app.cli.output import Console

FILES = ("models.toml", "prompts/demo.toml", "prompts/lines.txt")


def init(folder: Annotated[Path, typer.Argument(help="The folder; it is made if it is not there.")] = Path()) -> None:
    """Write a models.toml and example prompt files into a folder, to be changed; nothing that is there is touched."""
    console = Console()
    for name in FILES:
        path = folder / name
        if path.exists():
            console.say(f"kept: {path}")
            continue
        make_folder(path.parent)
        content = packaged_text(name).encode()
        write_whole(path, lambda out, content=content: out.write(content))  # type: ignore[misc]
        console.say(f"written: {path}")
