"""Masks of LoRAs that are pictures, kept beside the picture they were used for: it is drawn again from them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO

from lora_mixer import LoraUse
from lora_mixer.images import RenderRecord, make_folder, write_whole
from lora_mixer.inputs import INPUTS


def with_masks_beside(record: RenderRecord, folder: Path) -> RenderRecord:
    """Return a record that names its masks as files in `inputs/` of the picture's folder, where they are copied to.

    A record goes wherever its picture goes: the server's own paths are nobody's business.

    Raises:
        FileError: They cannot be copied.
    """
    there: dict[Path, Path] = {}
    for adapter in record.adapters:
        mask = adapter.strength.mask
        if isinstance(mask, Path) and adapter.mask_sha256:
            there[mask] = Path(INPUTS) / f"{adapter.mask_sha256[:16]}.png"
            copy = make_folder(folder / INPUTS) / there[mask].name
            if not copy.exists():
                write_whole(copy, partial(_copied, mask))
    if not there:
        return record
    settings = replace(record.settings, loras=tuple(_moved(use, there) for use in record.settings.loras))
    adapters = tuple(
        replace(adapter, strength=_moved(LoraUse(adapter.name, adapter.strength), there).strength)
        for adapter in record.adapters
    )
    return replace(record, settings=settings, adapters=adapters)


def _copied(mask: Path, out: IO[bytes]) -> None:
    out.write(mask.read_bytes())


def _moved(use: LoraUse, there: dict[Path, Path]) -> LoraUse:
    mask = use.strength.mask
    return (
        LoraUse(use.name, replace(use.strength, mask=there[mask])) if isinstance(mask, Path) and mask in there else use
    )
