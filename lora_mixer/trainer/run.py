"""A training from a folder of pictures to a file, with everything on the way: checks, caches, state, losses, cancel."""

from __future__ import annotations

import csv
import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from lora_mixer.errors import CancelledError
from lora_mixer.models import Model
from lora_mixer.trainer.buckets import Bucket, bucket_for, buckets_of
from lora_mixer.trainer.checks import check
from lora_mixer.trainer.dataset import Dataset, Example
from lora_mixer.trainer.files import Trained, save_lora
from lora_mixer.trainer.pictures import LatentCache
from lora_mixer.trainer.settings import TrainSettings
from lora_mixer.trainer.state import STATE, keep_state, take_up_state
from lora_mixer.trainer.training import Shown, StepReport, Training

LOSSES = "losses.csv"
LATENTS = "latents"
VALIDATIONS = 20
"""How often held-out pictures are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """What a training made.

    Attributes:
        path: The LoRA.
        steps: How many steps it has learned.
        resumed_at: The step it went on from; 0 if it began anew.
        loss: The mean loss of the last tenth of its steps, of this call.
        layers: How many layers learned.
        left_out: Files that could not be used, and why.
    """

    path: Path
    steps: int
    resumed_at: int
    loss: float
    layers: int
    left_out: Mapping[Path, str]


@dataclass(slots=True, kw_only=True)
class Watch:
    """Whom a training tells what, and who may stop it.

    Attributes:
        on_picture: Told after every picture that was encoded: how many are done, and how many there are.
        on_step: Told after every step.
        on_saved: Told of every file that was written while it goes on, and at which step.
        say: Told what the user should know.
        cancelled: Asked before every picture and step.
    """

    on_picture: Callable[[int, int], None] = lambda _done, _of: None
    on_step: Callable[[StepReport], None] = lambda _report: None
    on_saved: Callable[[Path, int], None] = lambda _path, _step: None
    say: Callable[[str], None] = lambda _sentence: None
    cancelled: Callable[[], bool] = lambda: False


def run_folder(output: Path) -> Path:
    """Return where a training keeps its state, its losses and its latents: beside its file."""
    return output.with_suffix(".training")


def train(
    model: Model,
    folder: Path,
    output: Path,
    settings: TrainSettings,
    *,
    regularisation: Path | None = None,
    anew: bool = False,
    watch: Watch | None = None,
) -> TrainResult:
    """Train a LoRA on a folder of pictures, or go on where an earlier call of the same training ended.

    Args:
        model: The open model, plain.
        folder: The pictures; see `lora_mixer.trainer.dataset`.
        output: The `.safetensors` file to write.
        settings: How to train.
        regularisation: A folder of pictures that keep what the model knew.
        anew: Begin again, whatever state there is.
        watch: Whom to tell.

    Raises:
        RequestError: A setting is impossible, or the state beside the output is of another training.
        FileError: A folder or file cannot be used, or the disk is full; the last state is whole.
        RenderError: The loss is no longer finite.
        CancelledError: `watch.cancelled` said so; the state is saved.
    """
    watch, started = watch or Watch(), datetime.now(UTC)
    data = check(folder, output, settings, regularisation=regularisation)
    place, resolution = run_folder(output), settings.resolution or min(model.native_size)
    if anew:
        (place / STATE).unlink(missing_ok=True)
    shown, held_out, left_out = _encoded(model, data, settings, resolution, place / LATENTS, watch)
    what = _what(model, data, settings, shown)
    training = Training(model, settings, shown, held_out)
    resumed_at = training.done if take_up_state(training, place, what) else 0
    if resumed_at:
        watch.say(f"going on at step {resumed_at} of {settings.steps}")

    def written(path: Path) -> None:
        made = Trained(
            settings=settings,
            data=data,
            resolution=resolution,
            steps=training.done,
            epochs=training.epochs,
            batches=training.batches,
            started=started,
        )
        save_lora(path, training.adapters, model, made)

    losses = _steps(training, place, what, output, written, watch)
    training.finished()
    written(output)
    return _result(training, output, losses, resumed_at=resumed_at, left_out=left_out)


def _result(
    training: Training, output: Path, losses: Sequence[float], *, resumed_at: int, left_out: Mapping[Path, str]
) -> TrainResult:
    """Return what a training left behind; its loss is the mean over the last tenth of the steps taken now."""
    last = losses[-max(len(losses) // 10, 1) :]
    return TrainResult(
        path=output,
        steps=training.done,
        resumed_at=resumed_at,
        loss=sum(last) / len(last) if last else float("nan"),
        layers=len(training.adapters),
        left_out=left_out,
    )


def _steps(
    training: Training, place: Path, what: str, output: Path, written: Callable[[Path], None], watch: Watch
) -> list[float]:
    """Take the steps that are left, saving state, losses and files on the way."""
    settings, losses = training.settings, []
    every = max(settings.steps // VALIDATIONS, 1)
    with _Losses(place / LOSSES, from_step=training.done) as table:
        while training.done < settings.steps:
            if watch.cancelled():
                keep_state(training, place, what)
                raise CancelledError(
                    f"cancelled at step {training.done} of {settings.steps}",
                    remedy="The same command goes on from there.",
                )
            report = training.step()
            losses.append(report.loss)
            measured = training.validate() if training.done % every == 0 else None
            table.add(report, measured)
            watch.on_step(report)
            if training.done % settings.checkpoint_every == 0 or training.done == settings.steps:
                keep_state(training, place, what)
            if settings.save_every and training.done % settings.save_every == 0 and training.done < settings.steps:
                path = output.with_name(f"{output.stem}-{training.done:06d}.safetensors")
                training.finished()
                written(path)
                watch.on_saved(path, training.done)
    return losses


def _encoded(
    model: Model, data: Dataset, settings: TrainSettings, resolution: int, folder: Path, watch: Watch
) -> tuple[dict[int, Shown], list[Shown], dict[Path, str]]:
    """Return the pictures to learn by number, those held out, and what cannot be used."""
    step = min(settings.bucket_step, resolution // 2 // 8 * 8)
    square = (Bucket(width=resolution, height=resolution),)
    buckets = square if settings.crop else buckets_of(resolution, step=max(step, 8))
    placed = {
        number: (example, bucket_for(example.width, example.height, buckets))
        for number, example in enumerate(data.examples)
    }
    latents, broken = LatentCache(model, folder).encode(placed, on_picture=watch.on_picture, cancelled=watch.cancelled)
    left_out = {**data.left_out, **{data.examples[number].path: why for number, why in broken.items()}}
    for path, why in left_out.items():
        watch.say(f"left out: {path}: {why}")
    shown = {
        number: Shown(example=placed[number][0], encoded=encoded, bucket=placed[number][1])
        for number, encoded in latents.items()
    }
    apart = _held_out([number for number, one in shown.items() if not one.example.regularises], settings)
    return {number: one for number, one in shown.items() if number not in apart}, [shown[n] for n in apart], left_out


def _held_out(numbers: list[int], settings: TrainSettings) -> list[int]:
    count = max(round(len(numbers) * settings.validation), 1) if settings.validation else 0
    mixed = random.Random(settings.seed).sample(numbers, len(numbers))  # noqa: S311 - a choice of pictures, no secret
    return sorted(mixed[: min(count, len(numbers) - 1)])


def _what(model: Model, data: Dataset, settings: TrainSettings, shown: Mapping[int, Shown]) -> str:
    """Return the digest of all that decides a training's numbers."""
    told = {name: value for name, value in asdict(settings).items() if name not in {"save_every", "checkpoint_every"}}
    pictures = [_told(data.examples[number]) for number in sorted(shown)]
    everything = json.dumps([told, model.digest, model.vae_digest, pictures], sort_keys=True, default=str)
    return hashlib.sha256(everything.encode()).hexdigest()


def _told(example: Example) -> tuple[object, ...]:
    content = hashlib.sha256(example.path.read_bytes()).hexdigest()
    return content, example.caption, example.repeats, example.regularises, example.mask is not None


class _Losses:
    """The table of losses: a row a step, those after the state's step taken away when a training goes on."""

    def __init__(self, path: Path, *, from_step: int) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = []
        if from_step and path.is_file():
            with path.open(newline="", encoding="utf-8") as read:
                rows = [row for row in csv.reader(read) if row and row[0].isdigit() and int(row[0]) <= from_step]
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._writer.writerow(("step", "epoch", "loss", "rate", "validation"))
        self._writer.writerows(rows)

    def __enter__(self) -> _Losses:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, report: StepReport, measured: float | None) -> None:
        self._writer.writerow(
            (
                report.step,
                report.epoch,
                f"{report.loss:.6g}",
                f"{report.rate:.6g}",
                "" if measured is None else f"{measured:.6g}",
            )
        )
        self._file.flush()
