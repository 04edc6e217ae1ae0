"""`lora-mixer init`: a folder to work in, with the files that the documents talk of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lora_mixer.catalog import packaged_text
from lora_mixer.images import make_folder, write_whole

FILES = ("models.toml", "prompts/demo.toml", "prompts/lines.txt")


def init(folder: Annotated[Path, typer.Argument(help="The folder; it is made if it is not there.")] = Path()) -> None:
    """Write a models.toml and example prompt files into a folder, to be changed; nothing that is there is touched."""
    console = Console(highlight=False, soft_wrap=True)
    for name in FILES:
        path = folder / name
        if path.exists():
            console.print(f"kept: {path}", markup=False)
            continue
        make_folder(path.parent)
        content = packaged_text(name).encode()
        write_whole(path, lambda out, content=content: out.write(content))  # type: ignore[misc]
        console.print(f"written: {path}", markup=False)
