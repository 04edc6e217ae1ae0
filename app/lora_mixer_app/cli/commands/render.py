"""`lora-mixer render`: prompts in, pictures out, each with its record."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lora_mixer.catalog import Library, SameAdapter, load_models_file
from lora_mixer.promptfile.sources import read_sources
from lora_mixer.runs.origin import RunOrigin
from lora_mixer_app.cli.arguments import parse_lora
from lora_mixer_app.cli.commands.run_options import PictureOptions, RunFlags
from lora_mixer_app.cli.commands.running import carry_out
from lora_mixer_app.cli.tables import with_tables


@with_tables
def render(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|PROMPT...",
            help="A prompt file (.toml with jobs and axes, .txt with one prompt a line, .csv, .jsonl), a folder or a "
            'pattern of them, a prompt such as "red heart <lora:line_art:0.8>", or - for prompts from a pipe. The folder of '
            "a run that the page began goes on.",
        ),
    ],
    pictures: PictureOptions,
    flags: RunFlags,
    lora: Annotated[
        list[str] | None, typer.Option("--lora", help="NAME=STRENGTH, added to every picture; may be repeated.")
    ] = None,
) -> None:
    """Render prompts or a prompt file into pictures, a manifest and a labelled grid; a single one into a file.

    What the folder holds already is kept: the same command goes on, and another one renders what is new.
    """
    same = SameAdapter(lambda: Library(load_models_file(pictures.models_path).lora_folders))
    begun = _begun(sources) if flags.output is None else None
    if begun is None:
        plans = read_sources(sources, sys.stdin.read, strict=flags.strict, same=same)
    else:
        folder, origin = begun
        plans, flags = (origin.plan(folder, strict=flags.strict, same=same),), replace(flags, output=folder)
    carry_out(plans, pictures, flags, loras=tuple(parse_lora(text) for text in lora or ()))


def _begun(sources: Sequence[str]) -> tuple[Path, RunOrigin] | None:
    """Return the folder of a run that tells what it began with, if that is what is to be rendered."""
    if len(sources) != 1 or sources[0] == "-":
        return None
    folder = Path(sources[0])
    try:
        origin = RunOrigin.read(folder) if folder.is_dir() else None
    except OSError:  # too long for a name: words
        return None
    return None if origin is None else (folder, origin)
