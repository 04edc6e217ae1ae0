"""Folders as PEFT and diffusers save them: one adapter in a folder of its own, its settings in a file beside it.

Source: PEFT `utils/constants.py` (`SAFETENSORS_WEIGHTS_NAME`, `WEIGHTS_NAME`, `CONFIG_NAME`), diffusers
`loaders/lora_base.py` (`LORA_WEIGHT_NAME_SAFE`).
"""

from __future__ import annotations

from pathlib import Path

CONFIG = "adapter_config.json"
PEFT_STEM = "adapter_model"
PEFT_PICKLE = f"{PEFT_STEM}.bin"
FOLDER_STEMS = frozenset({PEFT_STEM, "pytorch_lora_weights"})
"""Names that say nothing: a file that has one is called by its folder."""

_IN_ORDER = (f"{PEFT_STEM}.safetensors", "pytorch_lora_weights.safetensors", PEFT_PICKLE)
_ADAPTERS = frozenset({".safetensors", ".bin", ".pt", ".ckpt"})


def adapter_in(folder: Path) -> Path | None:
    """Return the adapter file of a folder that PEFT or diffusers saved, or None if it is no such folder."""
    return next((path for name in _IN_ORDER if (path := folder / name).is_file()), None)


def config_beside(path: Path) -> Path | None:
    """Return the `adapter_config.json` that belongs to a file: of its folder, if the file is PEFT's or the only one."""
    config = path.with_name(CONFIG)
    try:
        if not config.is_file():
            return None
        if path.stem == PEFT_STEM:
            return config
        others = [other.name for other in path.parent.iterdir() if other.suffix.lower() in _ADAPTERS]
    except (OSError, ValueError):
        return None
    return config if others == [path.name] else None
