from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from lora_mixer.catalog import Library

SaveLora = Callable[..., Path]


@pytest.fixture
def save_lora(tmp_path: Path) -> SaveLora:
    """Write a small adapter file with some metadata below `tmp_path/loras`."""

    def write(name: str, metadata: Mapping[str, str] | None = None, *, value: float = 1.0, root: str = "loras") -> Path:
        entry = {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}
        header = json.dumps({"__metadata__": dict(metadata or {}), "lora_unet_x.alpha": entry}).encode()
        path = tmp_path / root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(struct.pack("<Q", len(header)) + header + struct.pack("<f", value))
        return path

    return write


@pytest.fixture
def open_library(tmp_path: Path) -> Callable[..., Library]:
    """Open the library of `tmp_path/loras` with its own cache."""

    def library(*roots: str, **named: bool) -> Library:
        return Library([tmp_path / root for root in roots or ("loras",)], cache=tmp_path / "cache.sqlite", **named)

    return library
