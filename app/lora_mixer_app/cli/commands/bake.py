"""`lora-mixer bake`: write a mix for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from lora_mixer_app.cli.arguments import parse_lora
from lora_mixer_app.cli.options import AllowPartial, Device, Model, ModelsPath
from lora_mixer_app.cli.output import Console
from lora_mixer_app.cli.written import tell_written


def bake(
    output: Annotated[Path, typer.Argument(help="The .safetensors file to write, or with --as folder the folder.")],
    prompt: Annotated[str, typer.Option("--prompt", help="A prompt whose <lora:NAME:STRENGTH> tags are the mix.")] = "",
    lora: Annotated[
        list[str] | None, typer.Option("--lora", help="NAME=STRENGTH or NAME=DENOISER/TEXT; may be repeated.")
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--as",
            help="lora: one LoRA in kohya's naming. checkpoint: the merged model as one file. "
            "folder: the merged model as a diffusers folder.",
        ),
    ] = "lora",
    rank: Annotated[int, typer.Option("--rank", help="The most ranks a module of the LoRA may have.")] = 64,
    dtype: Annotated[str, typer.Option("--dtype", help="What is written: float16, bfloat16 or float32.")] = "float16",
    model: Model = None,
    models_path: ModelsPath = None,
    device: Device = "cpu",
    *,
    allow_partial: AllowPartial = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what lies there.")] = False,
) -> None:
    """Write a mix of LoRAs as one LoRA, or merged into its model; sums are float32, rounded once."""
    from lora_mixer import Mixer

    loras = tuple(parse_lora(text) for text in lora or ())
    console = Console()
    mixer = Mixer.open(
        model,
        models_file=models_path,
        device=device,
        dtype="float16" if dtype == "float16" else "float32",
        computes=False,
        allow_partial=allow_partial,
        engine="merged",
    )
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("baking", total=None)
        report = mixer.bake(
            prompt,
            output,
            form=form,
            rank=rank,
            dtype=dtype,
            overwrite=overwrite,
            loras=loras,
            on_module=lambda done, total: bar.update(task, completed=done, total=total),
        )
    tell_written(console, report)
