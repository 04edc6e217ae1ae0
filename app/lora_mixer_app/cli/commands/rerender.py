"""`lora-mixer rerender`: render a picture again from its record."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from lora_mixer.catalog import ModelsFile, load_models_file
from lora_mixer.errors import ModelError, RequestError
from lora_mixer.images import ModelRecord, RenderRecord, read_picture, save_picture
from lora_mixer_app.cli.options import Model, ModelsPath
from lora_mixer_app.cli.output import Console

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def rerender(
    image: Annotated[Path, typer.Argument(help="A picture this program made.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Default: NAME-again.png beside it.")] = None,
    model: Model = None,
    models_path: ModelsPath = None,
    given: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            help="A LoRA or an upscaler from outside the folders, or a picture that it was drawn from or that masks a LoRA; "
            "told by its digest. Repeatable.",
        ),
    ] = None,
    *,
    mine: Annotated[
        bool,
        typer.Option("--mine", help="The picture is my own: look for what it was drawn from where that lay, too."),
    ] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Render even if something differs from then.")] = False,
    allow_download: Annotated[
        bool, typer.Option("--allow-download", help="Fetch the model the picture names from the hub if it is not here.")
    ] = False,
) -> None:
    """Render a picture again: the same pixels on the same machine, or the reasons why not.

    Its model is looked for by the digest of its weights, then by its name in models.toml, unless --model says which to
    take. Nothing that stands in the picture is downloaded unless that is allowed. The picture it was drawn from is looked for
    beside it, by its digest. No path in it is opened, but with --mine those of input pictures: masks of LoRAs, and files that
    lie outside the folders, are given with --with.
    """
    record = _record_of(image)
    if not (model or allow_download):
        os.environ["HF_HUB_OFFLINE"] = "1"  # heard as the hub's library is imported, below
    from lora_mixer import Mixer
    from lora_mixer.mixer import checked, differences, find_model, inputs_beside
    from lora_mixer.mixer import rerender as again

    record = checked(record)
    files = [*(given or ()), *inputs_beside(record, image, trusted=mine)]
    models_file = load_models_file(models_path)
    mixer = Mixer.open(
        model
        or find_model(record.model, models_file)
        or _by_name(record.model, models_file, image, allow_download=allow_download),
        models_file=models_path,
        device=record.device,
        dtype=record.dtype,
        allow_partial=True,
        engine=record.engine,
    )
    console = Console(highlight=False, soft_wrap=True)
    _tell_of(differences(mixer, record, files=files), image, console, anyway=anyway)
    target = output or image.with_name(f"{image.stem}-again.png")
    picture = again(mixer, record, files=files)
    save_picture(picture.image, picture.record, target)
    console.say(f"{target}")


def _tell_of(differing: Sequence[str], image: Path, console: Console, *, anyway: bool) -> None:
    """Say what is not as it was; that is an error unless the picture is to be rendered anyway."""
    for sentence in differing:
        console.say(f"differs: {sentence}", style="yellow")
    if differing and not anyway:
        raise RequestError(
            "the picture would not be the same", where=str(image), remedy="Add --anyway to render it all the same."
        )


def _record_of(image: Path) -> RenderRecord:
    record = read_picture(image).record
    if record is None:
        raise RequestError(
            "the picture holds no record of this program",
            where=str(image),
            remedy="`lora-mixer info` shows what it does hold.",
        )
    return record


def _by_name(model: ModelRecord, models_file: ModelsFile, image: Path, *, allow_download: bool) -> str:
    """Return the model a picture names, where models.toml knows the name; a hub id only if it may be fetched."""
    if model.name in models_file.models or (allow_download and HUB_ID.fullmatch(model.name)):
        return model.name
    fetch = " --allow-download fetches it from the hub;" if HUB_ID.fullmatch(model.name) else ""
    raise ModelError(
        f"its model {model.name[:80]!r} (weights {model.short_hash}) is not here",
        where=str(image),
        remedy=f"Name one with --model;{fetch} models.toml lists what there is: {', '.join(models_file.models)}.",
    )
