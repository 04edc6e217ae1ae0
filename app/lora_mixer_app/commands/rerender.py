"""`lora-mixer rerender`: a picture made again from its own record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lora_mixer.catalog import load_models_file
from lora_mixer.errors import RequestError
from lora_mixer.images import read_picture, save_picture
from lora_mixer_app.options import Model, ModelsPath


def rerender(
    image: Annotated[Path, typer.Argument(help="A picture this program made.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Default: NAME-again.png beside it.")] = None,
    model: Model = None,
    models_path: ModelsPath = None,
    *,
    anyway: Annotated[bool, typer.Option("--anyway", help="Render even if something differs from then.")] = False,
) -> None:
    """Render a picture again: the same pixels on the same machine, or the reasons why not.

    Its model is looked for by the digest of its weights, then by its name, unless --model says which to take.
    """
    record = read_picture(image).record
    if record is None:
        raise RequestError(
            "the picture holds no record of this program",
            where=str(image),
            remedy="`lora-mixer info` shows what it does hold.",
        )
    from lora_mixer import Mixer
    from lora_mixer.mixer import differences, find_model
    from lora_mixer.mixer import rerender as again

    mixer = Mixer.open(
        model or find_model(record.model, load_models_file(models_path)) or record.model.name,
        models_file=models_path,
        device=record.device,
        dtype=record.dtype,
        allow_partial=True,
        engine=record.engine,
    )
    console = Console(highlight=False, soft_wrap=True)
    differing = differences(mixer, record)
    for sentence in differing:
        console.print(f"differs: {sentence}", markup=False, style="yellow")
    if differing and not anyway:
        raise RequestError(
            "the picture would not be the same", where=str(image), remedy="Add --anyway to render it all the same."
        )
    target = output or image.with_name(f"{image.stem}-again.png")
    picture = again(mixer, record)
    save_picture(picture.image, picture.record, target)
    console.print(f"{target}", markup=False)
