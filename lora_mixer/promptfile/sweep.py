"""One prompt under many mixes, written as a prompt file: combinations of strengths, ways from mix to mix, surprises."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lora_mixer.choices import SUM
from lora_mixer.errors import ConfigError, RequestError
from lora_mixer.explore import StrengthRange, surprise
from lora_mixer.mixes import Mix
from lora_mixer.morph import label, path, weighted
from lora_mixer.promptfile.mix_file import lora_lines
from lora_mixer.promptfile.ranges import numbers

FIRST_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptLora:
    """A LoRA and the strengths it goes through."""

    name: str
    strengths: tuple[float, ...]


def swept_lora(text: str) -> SweptLora:
    """Return the LoRA of `NAME=STRENGTHS`, a list or a range.

    >>> swept_lora("ink=0..1:3").strengths
    (0.0, 0.5, 1.0)

    Raises:
        RequestError: It is of another form.
    """
    name, _, values = text.rpartition("=")
    if not name.strip():
        raise RequestError(
            f"{text!r} is not a LoRA and its strengths",
            where="--lora",
            remedy="Write NAME=STRENGTHS, for example ink=0..1:5 or ink=0,0.5,1.",
        )
    try:
        return SweptLora(name=name.strip(), strengths=tuple(dict.fromkeys(numbers(values))))
    except ConfigError as error:
        raise RequestError(error.what, where=f"--lora {name}", remedy=error.remedy) from error


def sweep_file(prompt: str, loras: Sequence[SweptLora], *, seeds: int = 1, seed: int | None = None) -> str:
    """Return the prompt file (TOML) of a sweep.

    The first LoRA varies along the columns, the second along the rows; what more there is (further LoRAs, and seeds
    unless the rows are free for them) makes blocks of rows. Each LoRA begins with a place without it, so that one
    picture has none at all.

    Args:
        prompt: What to draw.
        loras: One LoRA or more.
        seeds: How many seeds.
        seed: The first of them; None begins at 1 if there are several, and else leaves it to the prompt; a negative
            one is drawn.

    Raises:
        RequestError: There is no LoRA, or one is named twice.
    """
    names = [lora.name for lora in loras]
    if not names or len(set(names)) < len(names):
        raise RequestError(
            "a sweep goes through the strengths of LoRAs, each named once",
            where="--lora",
            remedy="Write --lora ink=0..1:5 --lora night_sky=0,1.",
        )
    across, *down = loras
    wanted = _seeds(seeds, seed)
    lines = [f"title = {_quoted(prompt)}", "", "[axes]", f"columns = {_axis(across)}"]
    if down:
        lines.append(f"rows = {_axis(down[0])}")
    elif len(wanted) > 1:
        lines.append(f"rows = {{ seed = {list(wanted)} }}")
        wanted = ()
    for block in _blocks(down[1:], wanted):
        lines += ["", "[[jobs]]", f"prompt = {_quoted(prompt)}", *block]
    return "\n".join([*lines, ""])


def _seeds(count: int, first: int | None) -> tuple[int, ...]:
    if first is None and count == 1:
        return ()
    start = FIRST_SEED if first is None else first
    start = secrets.randbelow(2**32) if start < 0 else start
    return tuple(range(start, start + count))


def _blocks(loras: Sequence[SweptLora], seeds: Sequence[int]) -> Iterator[list[str]]:
    """Yield the further lines of every entry: its name, its LoRAs, its seed."""
    places = [[(lora.name, strength) for strength in _with_zero(lora.strengths)] for lora in loras]
    for mix, seed in itertools.product(itertools.product(*places), seeds or (None,)):
        said = [f"{name} {strength:g}" if strength else f"no {name}" for name, strength in mix]
        said += [f"seed {seed}"] if len(seeds) > 1 else []
        uses = ", ".join(f"{_quoted(name)} = {strength!r}" for name, strength in mix if strength)
        yield [
            *([f"name = {_quoted(', '.join(said))}"] if said else []),
            *([f"loras = {{ {uses} }}"] if uses else []),
            *([f"seed = {seed}"] if seed is not None else []),
        ]


def _with_zero(strengths: Sequence[float]) -> tuple[float, ...]:
    return tuple(strengths) if 0 in strengths else (0.0, *strengths)


def _axis(lora: SweptLora) -> str:
    return f"{{ lora = {_quoted(lora.name)}, strengths = {list(lora.strengths)} }}"


def _quoted(text: str) -> str:
    """Return a text as a basic string of TOML, which is written as in JSON but for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def morph_file(prompt: str, mixes: Sequence[Mix], places: int, *, loop: bool = False, seed: int | None = None) -> str:
    """Return the prompt file (TOML) of a way from mix to mix, its places side by side.

    Args:
        prompt: What to draw.
        mixes: Two mixes or more.
        places: How many pictures.
        loop: Come back to the first mix.
        seed: Of every picture; None leaves it to the prompt, a negative one is drawn.

    Raises:
        RequestError: The mixes have different methods, there are too few, or a mask is a picture.
    """
    path(len(mixes), places, loop=loop)
    tables = [", ".join(f"{{ {', '.join(lora_lines(use))} }}" for use in mix.uses) for mix in mixes]
    method = weighted(mixes, [1.0] * len(mixes)).method
    said = secrets.randbelow(2**32) if seed is not None and seed < 0 else seed
    lines = [f"title = {_quoted(prompt)}", "", "[axes.columns]", f"places = {places}"]
    lines += ["loop = true"] if loop else []
    lines += ["morph = [", *(f"  [{table}]," for table in tables), "]", "", "[[jobs]]", f"prompt = {_quoted(prompt)}"]
    lines += [] if method == SUM.row.name else [f"method = {_quoted(method)}"]
    lines += [] if said is None else [f"seed = {said}"]
    return "\n".join([*lines, ""])


def surprise_file(prompt: str, limits: Mapping[str, StrengthRange], count: int, seed: int, *, most: int = 3) -> str:
    """Return the prompt file (TOML) of mixes drawn by seeds within limits, one a job.

    Args:
        prompt: What to draw.
        limits: The least and the greatest strength of each LoRA.
        count: How many mixes.
        seed: Of the first mix; the others count up, and all pictures have this seed for their noise.
        most: The most LoRAs of a mix.
    """
    lines = [f"title = {_quoted(prompt)}"]
    for number in range(seed, seed + count):
        mix = surprise(limits, number, most=most)
        uses = ", ".join(f"{_quoted(use.name)} = {use.strength.denoiser!r}" for use in mix.uses)
        lines += ["", "[[jobs]]", f"name = {_quoted(f'{number}: {label(mix)}')}", f"prompt = {_quoted(prompt)}"]
        lines += [f"seed = {seed}", f"loras = {{ {uses} }}"]
    return "\n".join([*lines, ""])
