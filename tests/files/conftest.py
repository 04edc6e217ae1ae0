from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Save = Callable[..., Path]


def encoded(header: bytes | dict[str, Any], data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(header: bytes | dict[str, Any], data: bytes = b"", name: str = "a.safetensors") -> Path:
        path = tmp_path / name
        path.write_bytes(encoded(header, data))
        return path

    return write
