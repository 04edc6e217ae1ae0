"""What the benchmarks of trained LoRAs share: pictures in files, a training that goes on and counts its time, a table."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from benchmarks.blends.pictures import drawn
from lora_mixer import LoraUse, Mixer, RenderRequest, Strength
from lora_mixer.models.digest import sha256_of
from lora_mixer.trainer import StepReport, TrainSettings, Watch, train
from training.measures.dressed import STEPS
from training.progress import report
from training.wardrobe import NAMES, Wardrobe

MINUTES = 10.0
"""What a training may take on two cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """A LoRA, and the minutes that its training took: all calls together, steps that a kill took back counted twice."""

    path: Path
    minutes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of the table: what was measured, and what is wished."""

    measure: str
    value: str
    bar: str = ""
    holds: bool | None = None

    @classmethod
    def of_minutes(cls, what: str, made: Taught, settings: TrainSettings, threads: int) -> Line:
        """Return how long a training took."""
        measure = f"{what}: {settings.steps} steps of {settings.batch} on {threads} threads, minutes"
        return cls(measure=measure, value=f"{made.minutes:.1f}", bar=f"{MINUTES:g}", holds=made.minutes < MINUTES)

    @classmethod
    def of_share(cls, measure: str, hits: int, count: int, bar: float, *, at_most: bool = False) -> Line:
        """Return in how many cases something holds; the bar is the least share of them, or the most."""
        holds = hits <= bar * count if at_most else hits >= bar * count
        return cls(measure=measure, value=f"{hits} of {count}", bar=f"{bar:.0%}", holds=holds)


def options_of(description: str | None, out: str, steps: int, prompts: int) -> argparse.ArgumentParser:
    """Return what both benchmarks can be told."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--folder", type=Path, default=Path("out") / out, help="where it goes on when it is called again"
    )
    parser.add_argument("--steps", type=int, default=steps, help="of the training")
    parser.add_argument("--prompts", type=int, default=prompts, help="that it is measured with")
    parser.add_argument("--threads", type=int, default=2)
    return parser


def save_pictures(folder: Path, pictures: Tensor, captions: Sequence[str]) -> None:
    """Write pictures (N, 3, H, W) in 0..1 with their captions beside them, as people have them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        values = (picture.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
        Image.fromarray(values).save(folder / f"{number:02}.png")
        (folder / f"{number:02}.txt").write_text(caption, encoding="utf-8")


def taught(
    mixer: Mixer, pictures: Path, output: Path, settings: TrainSettings, *, regularisation: Path | None = None
) -> Taught:
    """Train, go on where it was ended, or do nothing where the file is there."""
    spent = output.with_suffix(".seconds")
    if not output.exists():
        watch = Watch(on_step=_counting(spent))
        train(mixer, pictures, output, settings, regularisation=regularisation, watch=watch)
    return Taught(path=output, minutes=float(spent.read_text(encoding="utf-8")) / 60)


def _counting(path: Path) -> Callable[[StepReport], None]:
    """Return what keeps the seconds of all calls in a file, step by step."""
    before, begun = float(path.read_text(encoding="utf-8")) if path.exists() else 0.0, time.monotonic()

    def told(step: StepReport) -> None:
        path.write_text(str(before + time.monotonic() - begun), encoding="utf-8")
        if step.step % 20 == 0 or step.step == step.of:
            report("trained", f"step {step.step} of {step.of} loss {step.loss:.4f}")

    return told


def painted(
    mixer: Mixer, folder: Path, prompts: Sequence[str], lora: Path | None = None, strength: float = 1.0
) -> Tensor:
    """Return pictures (N, 3, H, W) of prompts, seeds from 0 on; those that are there are not drawn again."""
    uses = () if lora is None else (LoraUse(name=str(lora), strength=Strength(strength)),)
    name = "without" if lora is None else f"{sha256_of(lora)[:12]}-at-{strength:g}"
    asked = [
        RenderRequest(prompt, seed=seed, steps=STEPS, upscale=1, loras=uses) for seed, prompt in enumerate(prompts)
    ]
    return drawn(mixer, folder / name, asked).pictures


def dressed(rows: Sequence[int], look: str | None = None) -> Tensor:
    """Return emoji on white as the base's set draws them, (N, 3, H, W), in a look of the wardrobe or in none."""
    amounts = torch.zeros(len(rows), len(NAMES))
    if look is not None:
        amounts[:, NAMES.index(look)] = 1
    return Wardrobe().dress(rows, amounts, torch.ones(len(rows), 3))


def unharmed(mixer: Mixer, before: str) -> Line:
    """Return whether the model's weights are bit by bit what they were."""
    same = mixer.model.checksum() == before
    return Line(measure="the model's checksum after it all", value="the same" if same else "another", holds=same)


def conclude(lines: Sequence[Line]) -> int:
    """Print the rows as Markdown for docs/training.md; return 1 where a bar does not hold."""
    said = {None: "", True: "yes", False: "no"}
    rows = [f"| {line.measure} | {line.value} | {line.bar} | {said[line.holds]} |" for line in lines]
    print("\n".join(["| measure | value | bar | holds |", "|---|---|---|---|", *rows]))
    return int(any(line.holds is False for line in lines))
