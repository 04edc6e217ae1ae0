"""The state of a training on disk: written in one rename, taken up by the same training alone."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from pickle import UnpicklingError

import torch

from lora_mixer.errors import FileError, RequestError
from lora_mixer.files.reasons import reason_of
from lora_mixer.trainer.optimizers import averages_its_weights
from lora_mixer.trainer.training import Training

STATE = "state.pt"

_DAMAGE = (RuntimeError, LookupError, TypeError, ValueError, AttributeError, EOFError, OSError, UnpicklingError)
"""What torch raises over a file that is damaged, depending on where."""


def keep_state(training: Training, folder: Path, what: str) -> None:
    """Write the state in one rename, so that any end leaves the last or the new one whole.

    Args:
        training: The training.
        folder: Where.
        what: What the training is of: a state of another is not taken up.

    Raises:
        FileError: The disk is full or the folder not writable; the last state is whole.
    """
    averages_its_weights(training.optimizer, train=True)
    state = {
        "what": what,
        "done": training.done,
        "slots": training.adapters.slots(),
        "optimizer": training.optimizer.state_dict(),
        "scaler": training.scaler.state_dict(),
        "started": training.started.isoformat(),
    }
    part = folder / f"{STATE}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as out:
            torch.save(state, out)
            out.flush()
            os.fsync(out.fileno())
        part.replace(folder / STATE)
    except (OSError, RuntimeError) as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise FileError(
            f"the state of the training cannot be saved: {reason_of(error)}",
            where=str(folder),
            remedy="Make room on the disk and run the same command again: it goes on from the last state.",
        ) from error


def take_up_state(training: Training, folder: Path, what: str) -> bool:
    """Go on from the state in a folder, if there is one of the same training; return whether there was.

    Raises:
        FileError: The state is damaged.
        RequestError: It is of another training.
    """
    path = folder / STATE
    if not path.is_file():
        return False
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["what"] != what:
            raise RequestError(
                f"{folder} holds the state of another training",
                remedy="Name another output, or --anew to begin again.",
            )
        training.adapters.load(state["slots"])
        training.optimizer.load_state_dict(state["optimizer"])
        training.scaler.load_state_dict(state["scaler"])
        training.started = datetime.fromisoformat(state["started"])
        training.done = int(state["done"])
    except _DAMAGE as error:
        raise FileError(
            f"the state of the training is damaged ({type(error).__name__})",
            where=str(path),
            remedy="--anew begins again.",
        ) from error
    return True
