"""`lora-mixer sweep`: one prompt under every combination of LoRA strengths, as a labelled grid."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from lora_mixer.batch.sweep import sweep_file, swept_lora
from lora_mixer.images import write_whole
from lora_mixer_app.commands.render import render
from lora_mixer_app.options import AllowPartial, Apply, Device, Dtype, Engine, Model, ModelsPath, RayAddress, Where


def sweep(
    prompt: Annotated[str, typer.Argument(help="What to draw in every picture.")],
    lora: Annotated[
        list[str],
        typer.Option("--lora", help="NAME=STRENGTHS, for example ink=0..1:5 or ink=0,0.5,1; may be repeated."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for pictures, manifest and grid.")] = Path(
        "out"
    ),
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=1000, help="How many seeds.")] = 1,
    seed: Annotated[
        int | None, typer.Option("--seed", help="The first seed; -1 draws one. Default: follows from the prompt.")
    ] = None,
    model: Model = None,
    models_path: ModelsPath = None,
    style: Annotated[list[str] | None, typer.Option("--style", help="A style of styles.csv; may be repeated.")] = None,
    negative: Annotated[str | None, typer.Option("--negative", help="Negative prompt.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Sampling steps.")] = None,
    cfg: Annotated[float | None, typer.Option("--cfg", help="Guidance scale.")] = None,
    sampler: Annotated[str | None, typer.Option("--sampler", help="Sampler, by A1111's name.")] = None,
    size: Annotated[str | None, typer.Option("--size", help="WxH in pixels, for example 512x768.")] = None,
    batch: Annotated[
        int, typer.Option("--batch", min=1, max=256, help="Pictures rendered at once, each with a mix of its own.")
    ] = 8,
    apply: Apply = "auto",
    grammar: Annotated[
        str | None, typer.Option("--grammar", help="How the prompt is read: default, or a1111 with its quirks.")
    ] = None,
    device: Device = None,
    dtype: Dtype = None,
    *,
    allow_partial: AllowPartial = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume/--force", help="Go on with what the folder holds, or remove its pictures and start anew."
        ),
    ] = True,
    workers: Annotated[int, typer.Option("--workers", min=1, max=256, help="Processes that render.")] = 1,
    engine: Engine = Where.LOCAL,
    ray_address: RayAddress = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the pictures that would be made, and stop.")
    ] = False,
) -> None:
    """Render one prompt under every combination of LoRA strengths, and without any, as a labelled grid.

    The sweep is written into the folder as a prompt file, to be changed and rendered again.
    """
    text = sweep_file(prompt, [swept_lora(said) for said in lora], seeds=seeds, seed=seed).encode()
    with TemporaryDirectory() as elsewhere:
        folder = Path(elsewhere) if dry_run else output
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"sweep-{sha256(text).hexdigest()[:8]}.toml"
        write_whole(file, lambda out: out.write(text))
        render(
            file,
            output,
            model=model,
            models_path=models_path,
            style=style,
            negative=negative,
            steps=steps,
            cfg=cfg,
            sampler=sampler,
            size=size,
            batch=batch,
            apply=apply,
            grammar=grammar,
            device=device,
            dtype=dtype,
            allow_partial=allow_partial,
            strict=True,
            resume=resume,
            workers=workers,
            engine=engine,
            ray_address=ray_address,
            dry_run=dry_run,
        )
