"""`lora-mixer sheet`: the labelled grid of a run once more, or in another arrangement, from its ledger alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lora_mixer.errors import RequestError
from lora_mixer.ledger import Ledger
from lora_mixer.runs.outputs import lay_out, planned
from lora_mixer.runs.regroup import regroup
from lora_mixer.sheet import save_sheet
from lora_mixer.wording import counted
from lora_mixer_app.cli.output import Console


def sheet(
    folder: Annotated[Path, typer.Argument(help="A folder that `render` or `sweep` has written; the run may go on.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The picture: .png, .webp, .jpg, .avif. Default: FOLDER/sheet.png."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--columns", help="What tells columns apart: a LoRA's name, seed, steps, ...; may be repeated."),
    ] = None,
    rows: Annotated[
        list[str] | None,
        typer.Option("--rows", help="What tells rows apart. Default: whatever else differs; may be repeated."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="NAME=VALUE: leave out pictures of which that is not true; may be repeated."),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option("--scale", min=0.01, max=16.0, help="Size of pictures. Default: small ones are enlarged."),
    ] = None,
) -> None:
    """Lay out the pictures of a run as a labelled grid; nothing is rendered and no model is opened.

    Without any option the run's own grid and index are written anew.
    """
    console = Console()
    ledger = Ledger.read(folder)
    for line in ledger.damaged:
        console.say(f"damaged: {line}", style="yellow")
    if not (output or columns or rows or only or scale):
        pages = lay_out(ledger)
    else:
        target = output or folder / "sheet.png"
        if columns or rows or only:
            arrangement = regroup(ledger, columns=columns or (), rows=rows or (), only=_facts(only or ()))
            cells, labels = arrangement.cells, arrangement.labels
            for index in arrangement.unplaced:
                console.print(f"without a place: {index:04}, its settings are not known", style="yellow", markup=False)
        else:
            cells, labels = planned(ledger)
        pages = save_sheet(cells, labels, target, scale=scale)
    there, total = len(ledger.entries), len(ledger.plan.jobs)
    if there < total:
        console.print(f"{there} of {counted(total, 'picture')} are there", style="yellow", markup=False)
    for page in pages:
        console.say(f"grid: {page}")


def _facts(said: list[str] | tuple[()]) -> dict[str, str]:
    """Return the facts of `NAME=VALUE`.

    Raises:
        RequestError: One is of another form.
    """
    facts = {}
    for text in said:
        name, mark, value = text.partition("=")
        if not mark or not name:
            raise RequestError(f"{text!r} is not NAME=VALUE", where="--only", remedy="Write, for example, seed=3.")
        facts[name.strip()] = value.strip()
    return facts
