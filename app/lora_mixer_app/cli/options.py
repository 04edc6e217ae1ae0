"""Options that several commands share, worded once."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class Where(Enum):
    """Where a run's workers are, by the name of what runs them."""

    LOCAL = "local"
    RAY = "ray"


Model = Annotated[
    str | None,
    typer.Option("--model", help="A name from models.toml, a .safetensors file, a diffusers folder or a hub id."),
]
ModelsPath = Annotated[
    Path | None,
    typer.Option(
        "--models", help="The models.toml to read. Default: $LORA_MIXER_MODELS, ./models.toml, the one in the package."
    ),
]
Device = Annotated[str | None, typer.Option("--device", help="cuda, mps or cpu. Default: the best there is.")]
Dtype = Annotated[
    str | None, typer.Option("--dtype", help="float32, bfloat16 or float16. Default: what suits the device.")
]
Offload = Annotated[
    str,
    typer.Option(
        "--offload",
        help="Where weights rest: none (on the device), model (one network at a time there), sequential (one module). "
        "auto: the first that fits.",
    ),
]
AllowPartial = Annotated[
    bool, typer.Option("--allow-partial", help="Accept LoRAs some of whose tensors fit nowhere on the model.")
]
MergeCache = Annotated[
    int | None,
    typer.Option(
        "--merge-cache-mb",
        min=0,
        help="MiB of merged weights of earlier mixes that are kept. Default: merge_cache_mb of models.toml, else sized "
        "by the model and the free memory.",
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        help="How mixes are applied: merged, side, auto to choose for each batch by costs that are the same everywhere, "
        "or measured to choose by this machine's own.",
    ),
]
OldApply = Annotated[str | None, typer.Option("--apply", hidden=True, help="What --engine was called in 0.1.")]
Executor = Annotated[
    Where | None,
    typer.Option(
        "--executor",
        help="Where the workers are: local, on this machine, or ray, with lora-mixer\\[ray] installed. Default: local.",
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option("--ray-address", help="A Ray cluster's address, or auto; without it one is started for the run."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
