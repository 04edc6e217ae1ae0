"""`lora-mixer sweep`: one prompt under every combination of LoRA strengths, as a labelled grid."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from lora_mixer.catalog import Library, SameAdapter, load_models_file
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.promptfile.sweep import sweep_file, swept_lora
from lora_mixer_app.cli.commands.run_options import PictureOptions, RunFlags
from lora_mixer_app.cli.commands.running import carry_out
from lora_mixer_app.cli.tables import with_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepFlags(RunFlags):
    """How a sweep is done: its pictures are alike, so more of them share a batch."""

    batch: Annotated[
        int, typer.Option("--batch", min=1, max=256, help="Pictures rendered at once, each with a mix of its own.")
    ] = 8


@with_tables
def sweep(
    prompt: Annotated[str, typer.Argument(help="What to draw in every picture.")],
    lora: Annotated[
        list[str],
        typer.Option("--lora", help="NAME=STRENGTHS, for example ink=0..1:5 or ink=0,0.5,1; may be repeated."),
    ],
    pictures: PictureOptions,
    flags: SweepFlags,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, max=1000, help="How many seeds; they count up from --seed.")
    ] = 1,
) -> None:
    """Render one prompt under every combination of LoRA strengths, and without any, as a labelled grid.

    The sweep is written into the folder as a prompt file, to be changed and rendered again.
    """
    swept = [swept_lora(said) for said in lora]
    text = sweep_file(prompt, swept, seeds=seeds, seed=pictures.seed)
    name = f"sweep-{sha256(text.encode()).hexdigest()[:8]}.toml"
    same = SameAdapter(lambda: Library(load_models_file(pictures.models_path).lora_folders))
    plan = read_prompt_text(text, Path(name), strict=True, same=same)
    carry_out([plan], pictures, flags, named=[one.name for one in swept], own_seeds=True)
