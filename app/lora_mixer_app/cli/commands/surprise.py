"""`lora-mixer surprise`: one prompt under mixes that nobody has thought of."""

from __future__ import annotations

import secrets
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from lora_mixer.catalog import Library, SameAdapter, load_models_file
from lora_mixer.explore import limits_of
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.promptfile.sweep import surprise_file
from lora_mixer_app.cli.arguments import parse_limits
from lora_mixer_app.cli.commands.run_options import PictureOptions, RunFlags
from lora_mixer_app.cli.commands.running import carry_out
from lora_mixer_app.cli.tables import with_tables


@with_tables
def surprise(
    prompt: Annotated[str, typer.Argument(help="What to draw in every picture.")],
    lora: Annotated[
        list[str],
        typer.Option("--lora", help="NAME=LOW..HIGH: a LoRA and the limits of its strength; may be repeated."),
    ],
    pictures: PictureOptions,
    flags: RunFlags,
    count: Annotated[int, typer.Option("--count", min=1, max=1000, help="How many mixes.")] = 9,
    most: Annotated[int, typer.Option("--most", min=1, max=100, help="The most LoRAs in a mix.")] = 3,
) -> None:
    """Render one prompt under mixes drawn by --seed within limits: the same seed, the same mixes.

    They are written into the folder as a prompt file, to be changed and rendered again.
    """
    limits = limits_of(dict(map(parse_limits, lora)))
    given = pictures.seed
    seed = secrets.randbelow(2**31) if given is None or given < 0 else given
    text = surprise_file(prompt, limits, count, seed, most=most)
    name = Path(f"surprise-{sha256(text.encode()).hexdigest()[:8]}.toml")
    same = SameAdapter(lambda: Library(load_models_file(pictures.models_path).lora_folders))
    plan = read_prompt_text(text, name, strict=True, same=same)
    carry_out([plan], pictures, flags, named=list(limits), own_seeds=True)
