"""What can be said of a training before a model is opened."""

from __future__ import annotations

from pathlib import Path

from lora_mixer.errors import FileError, RequestError
from lora_mixer.trainer.dataset import Dataset, read_dataset
from lora_mixer.trainer.settings import TrainSettings


def check_output(output: Path) -> None:
    """Refuse a place where no LoRA can be written.

    Raises:
        RequestError: The output is no `.safetensors` file.
        FileError: Its folder is not there.
    """
    if output.suffix != ".safetensors":
        raise RequestError(
            f"the output {output.name!r} is no .safetensors file", remedy="Name it my_style.safetensors."
        )
    if not output.absolute().parent.is_dir():
        raise FileError("there is no such folder", where=str(output.parent), remedy="Make it first.")


def check(folder: Path, output: Path, settings: TrainSettings, *, regularisation: Path | None = None) -> Dataset:
    """Return the pictures of a folder, after checking what can be checked without a model.

    Raises:
        RequestError: The output is no `.safetensors` file, or all pictures would be held out.
        FileError: A folder is missing or holds nothing to learn from, or the output's is not there.
    """
    check_output(output)
    data = read_dataset(folder, regularisation=regularisation)
    if settings.validation and len(data.examples) < 2:
        raise RequestError("the only picture would be held out", remedy="Lower validation, or add pictures.")
    return data
