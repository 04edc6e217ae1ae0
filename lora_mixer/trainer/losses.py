"""What is told of a training's course: a table of losses that only grows, and TensorBoard's events."""

from __future__ import annotations

import csv
import os
from contextlib import suppress
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any, Self

from lora_mixer.errors import FileError, RequestError
from lora_mixer.files.reasons import reason_of
from lora_mixer.trainer.training import StepReport

COLUMNS = ("step", "epoch", "loss", "rate", "validation")


class Losses:
    """`losses.csv`: a row a step, written at its end; what a killed training wrote after its last state is cut off.

    Args:
        path: The file.
        done: The step that the training goes on from; later rows are cut off.

    Raises:
        FileError: The disk is full or the folder not writable.
    """

    def __init__(self, path: Path, *, done: int) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("r+b" if path.exists() else "w+b")
            self._file.truncate(self._file.seek(_end_of(self._file.read(), done)))
            if not self._file.tell():
                self._write(COLUMNS)
        except OSError as error:
            raise self._full(error) from error

    def __enter__(self) -> Self:
        """Return the table."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        with suppress(OSError):
            self._file.close()

    def add(self, report: StepReport, measured: float | None) -> None:
        """Write a step's row.

        Raises:
            FileError: The disk is full.
        """
        validation = "" if measured is None else f"{measured:.6g}"
        try:
            self._write((report.step, report.epoch, f"{report.loss:.6g}", f"{report.rate:.6g}", validation))
        except OSError as error:
            raise self._full(error) from error

    def settle(self) -> None:
        """Bring what is written onto the disk, before a state says that it is there.

        Raises:
            FileError: The disk is full.
        """
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._full(error) from error

    def _write(self, row: tuple[object, ...]) -> None:
        text = StringIO()
        csv.writer(text, lineterminator="\n").writerow(row)
        self._file.write(text.getvalue().encode())
        self._file.flush()

    def _full(self, error: OSError) -> FileError:
        return FileError(
            f"the losses cannot be written: {reason_of(error)}",
            where=str(self._path),
            remedy="Make room on the disk and run the same command again: it goes on from the last state.",
        )


def _end_of(content: bytes, done: int) -> int:
    r"""Return where the rows of the first `done` steps end; 0 where the table is not one of ours.

    >>> _end_of(b"step,epoch,loss,rate,validation\n1,1,0.5,0.1,\n2,1,0.", 2)
    45
    """
    head = (",".join(COLUMNS) + "\n").encode()
    if not content.startswith(head):
        return 0
    end = len(head)
    for expected, line in enumerate(content[end:].splitlines(keepends=True), 1):
        if expected > done or not line.endswith(b"\n") or line.split(b",")[0] != str(expected).encode():
            break
        end += len(line)
    return end


class Board:
    """TensorBoard's events in a folder; what a killed training wrote after its last state is told to be void.

    Args:
        folder: Where to.
        done: The step that the training goes on from.

    Raises:
        RequestError: The package tensorboard is not installed.
    """

    def __init__(self, folder: Path, *, done: int) -> None:
        try:
            writer: Any = import_module("torch.utils.tensorboard").SummaryWriter
        except ImportError as error:
            raise RequestError(
                "tensorboard needs the package tensorboard",
                remedy="Install it: pip install tensorboard, or leave the setting out; losses.csv has the same numbers.",
            ) from error
        self._writer = writer(log_dir=str(folder), purge_step=done + 1)

    def add(self, report: StepReport, measured: float | None) -> None:
        """Tell of a step."""
        self._writer.add_scalar("loss", report.loss, report.step)
        self._writer.add_scalar("rate", report.rate, report.step)
        if measured is not None:
            self._writer.add_scalar("validation", measured, report.step)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()
