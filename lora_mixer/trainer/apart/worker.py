"""The process of a training: `python -m lora_mixer.trainer.apart.worker FOLDER`.

It writes how far it is into its folder, ends after the step where `stop` appears, and can be ended in any way: the
same training goes on from its last state.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lora_mixer.errors import CancelledError, ConfigError, FileError, LoraMixerError
from lora_mixer.ledger.lock import hold
from lora_mixer.trainer.apart.place import TrainingPlace
from lora_mixer.trainer.apart.status import TrainingStatus

if TYPE_CHECKING:
    from lora_mixer.trainer.training import StepReport

NICENESS = 5
"""The page and its pictures go first."""
_SECONDS_BETWEEN = 0.5
_TRIES = 20


def main() -> None:
    """Train what the folder asks for."""
    place = TrainingPlace(Path(sys.argv[1]))
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    with _held(place):
        train_in(place)


def train_in(place: TrainingPlace) -> None:
    """Train what a folder asks for, and write there how it goes; errors are told there, too."""
    teller = _Teller(place)
    try:
        _train(place, teller)
    except CancelledError:
        teller.end("stopped")
    except LoraMixerError as error:
        teller.end("failed", str(error))
    except BaseException as error:
        teller.end("failed", f"Something went wrong inside the program ({type(error).__name__}): see log.txt.")
        raise
    else:
        teller.end("finished")


def _train(place: TrainingPlace, teller: _Teller) -> None:
    from lora_mixer.mixer import BaseMixer
    from lora_mixer.trainer import TrainSettings, Watch, own_device, train, train_slider

    asked = place.asked()
    settings = TrainSettings().over(asked.settings)
    teller.tell(state="starting", of=settings.steps, now=True)
    models = None if asked.models_file is None else Path(asked.models_file)
    mixer = BaseMixer.open(asked.model, models_file=models, device=own_device(), dtype=settings.precision)
    watch = Watch(on_picture=teller.picture, on_step=teller.step, say=teller.note, cancelled=place.is_stopped)
    with mixer:
        if settings.slider is not None:
            train_slider(mixer, place.output, settings, watch=watch)
        else:
            train(mixer, place.pictures, place.output, settings, watch=watch)


class _Teller:
    """Writes how far a training is, no more than twice a second."""

    def __init__(self, place: TrainingPlace) -> None:
        self._place = place
        self._status = TrainingStatus()
        self._written = 0.0
        self._began: float | None = None

    def tell(self, *, now: bool = False, **values: object) -> None:
        """Write what is new, at once or when it is time to."""
        self._status = replace(self._status, **values)  # type: ignore[arg-type]
        if now or time.monotonic() - self._written > _SECONDS_BETWEEN:
            with suppress(FileError):  # a full disk ends the training by itself, where its state is saved
                self._status.write(self._place)
            self._written = time.monotonic()

    def picture(self, done: int, of: int) -> None:
        """Tell of a picture that was encoded."""
        self.tell(state="encoding", encoded=done, pictures=of)

    def step(self, report: StepReport) -> None:
        """Tell of a step."""
        if self._began is None:
            self._began = time.monotonic()
            self.tell(state="training", first=report.step, now=True)
        seconds = time.monotonic() - self._began
        self.tell(step=report.step, of=report.of, epoch=report.epoch, loss=report.loss, seconds=seconds)

    def note(self, sentence: str) -> None:
        """Tell what the user should know."""
        self.tell(notes=(*self._status.notes, sentence), now=True)

    def end(self, state: str, message: str = "") -> None:
        """Tell how it ended."""
        self.tell(state=state, message=message, now=True)


@contextmanager
def _held(place: TrainingPlace) -> Iterator[None]:
    """Hold the folder; somebody who only looks whether it is held lets it go at once."""
    for tried in range(_TRIES):
        try:
            with hold(place.folder, lambda _sentence: None):
                yield
                return
        except ConfigError:
            if tried == _TRIES - 1:
                raise
        time.sleep(0.1)


if __name__ == "__main__":
    main()
