"""A lesson learned to the end: state, losses, files and samples on the way, whatever the lesson is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lora_mixer.errors import CancelledError
from lora_mixer.mixer import BaseMixer
from lora_mixer.models import Model
from lora_mixer.trainer.clock import now
from lora_mixer.trainer.devices import ALONE, Devices
from lora_mixer.trainer.files import Trained, save_lora
from lora_mixer.trainer.learner import Learner
from lora_mixer.trainer.lesson import Lesson
from lora_mixer.trainer.losses import Board, Losses
from lora_mixer.trainer.memory import check_memory, reckon
from lora_mixer.trainer.samples import SamplePainter, painter_for
from lora_mixer.trainer.settings import TrainSettings
from lora_mixer.trainer.state import STATE, keep_state, take_up_state
from lora_mixer.trainer.training import StepReport, Training
from lora_mixer.trainer.watch import Watch

LOSSES = "losses.csv"
BOARD = "tensorboard"
TEXTS = "texts"
VALIDATIONS = 20
"""How often held-out pictures are measured."""

_DECIDES_NOTHING = frozenset({"save_every", "checkpoint_every", "samples", "tensorboard"})
"""Settings that may change when a training goes on."""


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
    left_out: Mapping[Path, str] = field(default_factory=dict)


def run_folder(output: Path) -> Path:
    """Return where a training keeps its state, its losses, its latents and its samples: beside its file."""
    return output.with_suffix(".training")


def learn(
    model: Model | BaseMixer,
    lesson: Lesson,
    output: Path,
    settings: TrainSettings,
    *,
    what: object,
    anew: bool = False,
    watch: Watch | None = None,
    devices: Devices = ALONE,
) -> TrainResult:
    """Train a LoRA on a lesson, or go on where an earlier call with the same lesson ended.

    Args:
        model: The open model, or the mixer whose model it is; samples need the mixer.
        lesson: What is learned.
        output: The `.safetensors` file to write.
        settings: How to train.
        what: What the lesson is of, as values of JSON: another `what` is another training.
        anew: Begin again, whatever state there is.
        watch: Whom to tell.
        devices: The processes that share each step.

    Raises:
        RequestError: A setting is impossible, or the state beside the output is of another training.
        FileError: The disk is full; the last state is whole.
        RenderError: The loss is no longer finite.
        CancelledError: `watch.cancelled` said so; the state is saved.
    """
    plain, mixer = (model.model, model) if isinstance(model, BaseMixer) else (model, None)
    place = run_folder(output)
    if anew and devices.leads:
        (place / STATE).unlink(missing_ok=True)
    learner = Learner(plain, settings, place / TEXTS)
    _tell_memory(learner, (watch or Watch()) if devices.leads else Watch())
    painter = painter_for(mixer, settings.samples, output, place)
    course = _Course(
        training=Training(learner, lesson, devices),
        output=output,
        what=_digest(plain, settings, what),
        watch=(watch or Watch()) if devices.leads else Watch(cancelled=(watch or Watch()).cancelled),
        painter=painter if devices.leads else None,
    )
    return course.followed()


def _tell_memory(learner: Learner, watch: Watch) -> None:
    """Say what a training will hold, and refuse what its device cannot."""
    memory = reckon(learner.model, learner.settings, learner.adapters)
    check_memory(memory, learner.model.device)
    watch.say(f"{len(learner.adapters)} layers learn; about {memory}")


def _digest(model: Model, settings: TrainSettings, what: object) -> str:
    """Return the digest of all that decides a training's numbers."""
    told = {name: value for name, value in asdict(settings).items() if name not in _DECIDES_NOTHING}
    everything = json.dumps([told, model.digest, model.vae_digest, what], sort_keys=True, default=str)
    return hashlib.sha256(everything.encode()).hexdigest()


@dataclass(kw_only=True)
class _Course:
    """One training on its way to its file."""

    training: Training
    output: Path
    what: str
    watch: Watch
    painter: SamplePainter | None

    def followed(self) -> TrainResult:
        """Take all steps that are left, then write the file."""
        training, place = self.training, run_folder(self.output)
        resumed_at = training.done if take_up_state(training, place, self.what) else 0
        if resumed_at:
            self.watch.say(f"going on at step {resumed_at} of {training.settings.steps}")
        losses = self._steps(place)
        if training.devices.leads:
            training.finished()
            self._write(self.output)
        last = losses[-max(len(losses) // 10, 1) :]
        return TrainResult(
            path=self.output,
            steps=training.done,
            resumed_at=resumed_at,
            loss=sum(last) / len(last) if last else float("nan"),
            layers=len(training.adapters),
        )

    def _steps(self, place: Path) -> Sequence[float]:
        training, settings, losses = self.training, self.training.settings, []
        every = max(settings.steps // VALIDATIONS, 1)
        with ExitStack() as stack:
            leads = training.devices.leads
            table = stack.enter_context(Losses(place / LOSSES, done=training.done)) if leads else None
            board = stack.enter_context(closing(Board(place / BOARD, done=training.done))) if self._has_board else None
            while training.done < settings.steps:
                self._stop_if_cancelled(place)
                report = training.step()
                losses.append(report.loss)
                measured = training.validate() if training.done % every == 0 and leads else None
                if table is not None:
                    table.add(report, measured)
                if board is not None:
                    board.add(report, measured)
                self._keep(place, table)
                self._show(report)
        return losses

    @property
    def _has_board(self) -> bool:
        return self.training.settings.tensorboard and self.training.devices.leads

    def _stop_if_cancelled(self, place: Path) -> None:
        training = self.training
        if training.devices.any(self.watch.cancelled()):
            if training.devices.leads:
                keep_state(training, place, self.what)
            raise CancelledError(
                f"cancelled at step {training.done} of {training.settings.steps}",
                remedy="The same command goes on from there.",
            )

    def _keep(self, place: Path, table: Losses | None) -> None:
        """Save the state, where it is time to."""
        training, settings = self.training, self.training.settings
        due = training.done % settings.checkpoint_every == 0 or training.done == settings.steps
        if table is not None and due:
            table.settle()
            keep_state(training, place, self.what)

    def _show(self, report: StepReport) -> None:
        """Tell of a step, and write and paint what is due after it."""
        training, settings = self.training, self.training.settings
        self.watch.on_step(report)
        if not training.devices.leads:
            return
        if settings.save_every and training.done % settings.save_every == 0 and training.done < settings.steps:
            path = self.output.with_name(f"{self.output.stem}-{training.done:06d}.safetensors")
            training.finished()
            self._write(path)
            self.watch.on_saved(path, training.done)
        if self.painter is not None and self._is_sampled():
            training.finished()
            path, _ = self.painter.paint(self._write, training.done)
            self.watch.on_samples(path, training.done)

    def _is_sampled(self) -> bool:
        samples, done = self.training.settings.samples, self.training.done
        if samples is None or done == self.training.settings.steps:
            return samples is not None
        if samples.every:
            return done % samples.every == 0
        return self.training.ends_epoch

    def _write(self, path: Path) -> None:
        training = self.training
        made = Trained(
            settings=training.settings,
            facts=training.lesson.facts(),
            steps=training.done,
            epochs=training.epochs,
            epoch=training.epoch,
            batches=training.lesson.batches,
            a_step=training.a_step,
            started=training.started,
            finished=now(),
        )
        save_lora(path, training.adapters, training.learner.model, made)
