"""`lora-mixer bake`: write a mix for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from lora_mixer.wording import counted
from lora_mixer_app.cli.arguments import parse_lora
from lora_mixer_app.cli.options import AllowPartial, Device, Model, ModelsPath
from lora_mixer_app.cli.output import Console, PlainTable

if TYPE_CHECKING:
    from lora_mixer.mixer import BakeReport


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
    if report.blocks:
        console.print(_table(report))
    for note in report.notes:
        console.say(f"note: {note}", style="yellow")
    console.say(f"{report.path}: {counted(report.modules, 'module')}, {_whole(report)}")


def _whole(report: BakeReport) -> str:
    if report.exact:
        return "exact but for the rounding of the file"
    return f"largest relative error of a block {max(block.error for block in report.blocks):.3%}"


def _table(report: BakeReport) -> PlainTable:
    table = PlainTable("part", "block", "modules", "exact", "relative error")
    for block in report.blocks:
        table.add_row(block.part, block.block, str(block.modules), str(block.exact), f"{block.error:.3%}")
    return table
