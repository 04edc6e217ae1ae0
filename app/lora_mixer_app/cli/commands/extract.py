"""`lora-mixer extract`: a LoRA from two checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from lora_mixer.catalog import load_models_file
from lora_mixer_app.cli.options import ModelsPath
from lora_mixer_app.cli.output import Console
from lora_mixer_app.cli.written import tell_written


def extract(
    tuned: Annotated[
        str, typer.Argument(help="The tuned model: a name from models.toml, a .safetensors file or a diffusers folder.")
    ],
    base: Annotated[str, typer.Option("--base", help="The model it was tuned from, or another of its family.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .safetensors file to write.")],
    rank: Annotated[int, typer.Option("--rank", help="The most ranks a layer may have.")] = 32,
    conv_rank: Annotated[
        int | None,
        typer.Option(
            "--conv-rank", help="The same of convolutions larger than 1x1; 0 leaves them out. Default: --rank."
        ),
    ] = None,
    share: Annotated[
        float,
        typer.Option("--share", help="Give a layer as few ranks as hold this share of its change, for example 0.95."),
    ] = 1.0,
    dtype: Annotated[str, typer.Option("--dtype", help="What is written: float16, bfloat16 or float32.")] = "float16",
    models_path: ModelsPath = None,
    *,
    norms: Annotated[
        bool, typer.Option("--norms", help="Write changes of norms and biases, too, which diffusers does not read.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what lies there.")] = False,
) -> None:
    """Make a LoRA from two checkpoints: what one was tuned by from the other."""
    from lora_mixer.export import Extraction, check_place, extract_lora
    from lora_mixer.models import open_as_stored

    how = Extraction(rank=rank, conv_rank=conv_rank, share=share, norms=norms, dtype=dtype)
    check_place(output, overwrite=overwrite)
    models_file = load_models_file(models_path)
    sources = [models_file.model(name) for name in (tuned, base)]
    console = Console()
    opened = [open_as_stored(source) for source in sources]
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("extracting", total=None)
        report = extract_lora(
            opened[0],
            opened[1],
            output,
            how,
            overwrite=overwrite,
            on_module=lambda done, total: bar.update(task, completed=done, total=total),
        )
    tell_written(console, report)
