"""`lora-mixer balance`: strengths scaled so that together LoRAs change no more than one of them does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lora_mixer.choices import BY_BLOCK, SUM
from lora_mixer.errors import RequestError
from lora_mixer.images import write_whole
from lora_mixer.mixes import Mix
from lora_mixer.promptfile import mix_text, read_mix
from lora_mixer_app.cli.arguments import parse_lora
from lora_mixer_app.cli.options import AllowPartial, AsJson, Device, Dtype, Model, ModelsPath
from lora_mixer_app.cli.output import Console, print_json


def balance(
    loras: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=STRENGTH...", help="The LoRAs, such as line_art=1 sepia=0.8.")
    ] = None,
    model: Model = None,
    models_path: ModelsPath = None,
    device: Device = "cpu",
    dtype: Dtype = None,
    *,
    mix: Annotated[Path | None, typer.Option("--mix", help="A mix file, before these LoRAs.")] = None,
    per: Annotated[
        str, typer.Option("--per", help="block: a factor a block; mix: one factor for all strengths.")
    ] = BY_BLOCK,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the balanced mix into a mix file, to be changed.")
    ] = None,
    allow_partial: AllowPartial = False,
    as_json: AsJson = False,
) -> None:
    """Scale strengths so that in every block LoRAs together change no more than one of them does, and print them.

    `render --balance block` does the same for every picture.
    """
    given = Mix((), SUM.row.name) if mix is None else read_mix(mix)
    uses = (*given.uses, *(parse_lora(text) for text in loras or ()))
    if not uses:
        raise RequestError("there is no LoRA to balance", remedy="Write NAME=STRENGTH, or --mix FILE.")
    from lora_mixer import Mixer

    mixer = Mixer.open(model, models_file=models_path, device=device, dtype=dtype, allow_partial=allow_partial)
    found = mixer.balanced(uses, per=per)
    text = mix_text(Mix(found.uses, given.method))
    if output is not None:
        write_whole(output, lambda out: out.write(text.encode()))
    if as_json:
        print_json(found.to_json())
        return
    console = Console()
    for line in (*found.table().split("\n"), "", *text.rstrip().split("\n")):
        console.say(line)
