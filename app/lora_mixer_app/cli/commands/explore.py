"""`lora-mixer explore`: two mixes to choose from, proposed by what was picked before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from lora_mixer.errors import RequestError
from lora_mixer.explore import Pick, limits_of, propose, read_picks
from lora_mixer.images import write_whole
from lora_mixer.morph import label
from lora_mixer.request import RenderRequest
from lora_mixer_app.cli.arguments import parse_limits
from lora_mixer_app.cli.options import Device, Dtype, Model, ModelsPath
from lora_mixer_app.cli.output import Console

PICKS, ROUND = "picks.jsonl", "round.json"


def explore(
    prompt: Annotated[str, typer.Argument(help="What to draw.")],
    lora: Annotated[
        list[str],
        typer.Option("--lora", help="NAME=LOW..HIGH: a LoRA and the limits of its strength; may be repeated."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="A folder for the pictures and for what you picked.")],
    pick: Annotated[
        str | None, typer.Option("--pick", help="a or b: which of the last two pictures is the better one.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the noise, and of what is proposed.")] = 1,
    steps: Annotated[int | None, typer.Option("--steps", min=1, max=1000, help="Sampling steps.")] = None,
    model: Model = None,
    models_path: ModelsPath = None,
    device: Device = None,
    dtype: Dtype = None,
) -> None:
    """Draw two mixes, a and b. Call it again with --pick a or --pick b, and the next two are nearer to what you like.

    a is what is liked best so far. Picks are lines of picks.jsonl in the folder; each picture has its whole record.
    """
    limits = limits_of(dict(map(parse_limits, lora)))
    picks = output / PICKS
    if pick is not None:
        _remember(output, pick)
    known = read_picks(picks.read_text(encoding="utf-8").splitlines(), where=str(picks)) if picks.exists() else ()
    mixes = dict(zip("ab", propose(limits, known, seed), strict=True))
    from lora_mixer import Mixer

    mixer = Mixer.open(model, models_file=models_path, device=device, dtype=dtype)
    asked = [RenderRequest(prompt, seed=seed, steps=steps, loras=mix.uses) for mix in mixes.values()]
    console = Console()
    for (side, mix), picture in zip(mixes.items(), mixer.render_many(asked), strict=True):
        file = output / f"{len(known) + 1:03}-{side}.png"
        picture.save(file)
        console.say(f"{side}: {label(mix)}  {file}")
    strengths = {side: {use.name: use.strength.denoiser for use in mix.uses} for side, mix in mixes.items()}
    write_whole(output / ROUND, lambda out: out.write(json.dumps(strengths).encode()))


def _remember(output: Path, side: str) -> None:
    """Add a pick of the last round to those that are known; a round is picked once."""
    file = output / ROUND
    if side not in ("a", "b") or not file.exists():
        raise RequestError(
            f"there is no picture {side!r} to pick in {output}",
            where="--pick",
            remedy="Leave --pick out for a first pair, then say a or b.",
        )
    last = json.loads(file.read_text(encoding="utf-8"))
    chosen = Pick(picked=last[side], other=last["b" if side == "a" else "a"])
    with (output / PICKS).open("a", encoding="utf-8") as lines:
        lines.write(f"{chosen.to_json()}\n")
    file.unlink()
