"""Resolve paths of models.toml: relative to a folder, `builtin:`, or a hub id."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

BUILTIN = "builtin:"
_LONGEST_NAME = 255  # bytes, on every usual file system


def checked_place(text: str) -> str:
    """Return the text if it can be a path.

    Raises:
        ValueError: It names nothing that comes with the program, or the home of a user who is not there, or is
            longer than file systems allow.
    """
    if any(len(os.fsencode(part)) > _LONGEST_NAME for part in Path(text).parts):
        raise ValueError("a name in this path is too long")
    if text.startswith(BUILTIN):
        name = text.removeprefix(BUILTIN)
        if ".." in Path(name).parts or not _builtin(name).is_dir():
            known = (f"{BUILTIN}{folder.name}" for folder in sorted(package_data().iterdir()) if folder.is_dir())
            raise ValueError(f"{text} does not come with the program; there is {', '.join(known)}")
        return text
    try:
        Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError(f"there is no such home folder as in {text}") from error
    return text


def model_location(text: str, base: Path) -> str:
    """Return an absolute path, or a hub id as it is: an `owner/name` that is no local file or folder."""
    if text.startswith(BUILTIN):
        return str(resolved(text if "/" in text else f"{text}/model", base))
    path = resolved(text, base)
    is_hub_id = text.count("/") == 1 and not text.startswith((".", "/", "~")) and not text.endswith(".safetensors")
    return text if is_hub_id and not path.exists() else str(path)


def resolved(text: str, base: Path) -> Path:
    """Return a checked place made absolute."""
    return _builtin(text.removeprefix(BUILTIN)) if text.startswith(BUILTIN) else base / Path(text).expanduser()


def package_data() -> Path:
    """Return the folder of what comes with the program."""
    return Path(str(files("lora_mixer").joinpath("data")))


def packaged_text(name: str) -> str:
    """Return a text file that comes with the program: in the wheel, or in a checkout the one beside the package.

    >>> packaged_text("prompts/demo.toml").startswith("# What")
    True
    """
    in_wheel = package_data() / name
    file = in_wheel if in_wheel.is_file() else package_data().parent.parent / name
    return file.read_text(encoding="utf-8")


def _builtin(name: str) -> Path:
    return package_data().joinpath(*name.split("/"))
