"""Configurations that this package carries, read when they are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import resources
from typing import Any

CONFIG = "config.json"


class Packaged(Mapping[str, Mapping[str, Any]]):
    """The configurations in a folder of the package's data, by component.

    Args:
        folder: Path below `lora_mixer/data`; each component is a folder with a `config.json` in it.
    """

    def __init__(self, *folder: str) -> None:
        self._folder = folder

    @cached_property
    def _found(self) -> Mapping[str, Mapping[str, Any]]:
        home = resources.files("lora_mixer").joinpath("data", *self._folder)
        files = {component.name: component / CONFIG for component in home.iterdir() if component.is_dir()}
        return {name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items() if file.is_file()}

    def __getitem__(self, component: str) -> Mapping[str, Any]:
        """Return a component's configuration."""
        return self._found[component]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the components."""
        return iter(self._found)

    def __len__(self) -> int:
        """Return the number of components."""
        return len(self._found)
