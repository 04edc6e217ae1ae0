"""Copy a run's single picture into a file."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from lora_mixer.errors import FileError
from lora_mixer.images import save_picture, write_whole
from lora_mixer.ledger import Ledger


def free_name(file: Path) -> Path | None:
    """Rename an existing file, such as to `heart-1.png`; return the new name, or None if there is no file.

    Raises:
        FileError: It cannot be renamed.
    """
    if not file.exists() and not file.is_symlink():
        return None
    number = 1
    while (other := file.with_name(f"{file.stem}-{number}{file.suffix}")).exists():
        number += 1
    try:
        file.rename(other)
    except OSError as error:
        raise FileError(
            f"the file that is there cannot be given another name: {error.strerror or error}",
            where=str(file),
            remedy="Name another file with --output.",
        ) from error
    return other


def deliver(ledger: Ledger, file: Path) -> None:
    """Write the picture of a run to a file, with its record; a PNG bit for bit as the run has it.

    Raises:
        FileError: It cannot be written.
        RequestError: Its format has no room for the record.
    """
    (entry,) = ledger.entries.values()
    picture = ledger.path(0)
    if file.suffix.lower() == ".png":
        data = picture.read_bytes()
        write_whole(file, lambda out: out.write(data))
        return
    with Image.open(picture) as image:
        save_picture(image.convert("RGB"), entry.record, file)
