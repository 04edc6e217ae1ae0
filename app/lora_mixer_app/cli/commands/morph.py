"""`lora-mixer morph`: a way from mix to mix, as a run, its grid, and a loop."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from lora_mixer.catalog import Library, SameAdapter, load_models_file
from lora_mixer.choices import SUM
from lora_mixer.images.animation import check_animation, save_animation
from lora_mixer.ledger import Ledger
from lora_mixer.ledger.folders import new_folder
from lora_mixer.mixes import Mix
from lora_mixer.promptfile import read_mix
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.promptfile.sweep import morph_file
from lora_mixer_app.cli.arguments import parse_lora
from lora_mixer_app.cli.commands.run_options import PictureOptions, RunFlags
from lora_mixer_app.cli.commands.running import carry_out
from lora_mixer_app.cli.output import Console
from lora_mixer_app.cli.tables import with_tables


@with_tables
def morph(
    prompt: Annotated[str, typer.Argument(help="What to draw in every picture.")],
    through: Annotated[
        list[str],
        typer.Option(
            "--through",
            help="A mix on the way: a mix file, or NAME=STRENGTH,NAME=STRENGTH; two or more, in their order.",
        ),
    ],
    pictures: PictureOptions,
    flags: RunFlags,
    *,
    count: Annotated[int, typer.Option("--count", min=2, max=1000, help="How many pictures.")] = 8,
    around: Annotated[
        bool, typer.Option("--around", help="Come back to the first mix, so that the end joins the beginning.")
    ] = False,
    film: Annotated[
        Path | None, typer.Option("--film", help="Also write a loop: .webp, .gif, or .mp4 where PyAV is installed.")
    ] = None,
    fps: Annotated[float, typer.Option("--fps", min=0.1, max=60.0, help="Pictures a second of the loop.")] = 8.0,
) -> None:
    """Render one prompt on the way from mix to mix, as a grid, and as a loop if --film says so.

    The way is written into the folder as a prompt file, to be changed and rendered again.
    """
    if film is not None:
        check_animation(film, where="--film")
    text = morph_file(prompt, [_mix(said) for said in through], count, loop=around, seed=pictures.seed)
    name = Path(f"morph-{sha256(text.encode()).hexdigest()[:8]}.toml")
    models = load_models_file(pictures.models_path)
    same = SameAdapter(lambda: Library(models.lora_folders))
    if flags.output is None:
        flags = replace(flags, output=new_folder(models.output, name.stem))
    carry_out([read_prompt_text(text, name, strict=True, same=same)], pictures, flags, own_seeds=True)
    if film is not None and flags.output is not None and not flags.dry_run:
        ledger = Ledger.read(flags.output)
        save_animation([_opened(ledger.path(index)) for index in sorted(ledger.entries)], film, fps=fps)
        Console().say(f"loop: {film}")


def _mix(said: str) -> Mix:
    if "=" in said:
        return Mix(tuple(parse_lora(part) for part in said.split(",")), SUM.row.name)
    return read_mix(Path(said))


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")
