"""What may happen to a file while nobody looks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _gone(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _a_file(path: Path, where: float) -> None:
    _gone(path)
    path.write_bytes(b"")


def _torn(path: Path, where: float) -> None:
    data = _bytes(path)
    path.write_bytes(data[: int(len(data) * where)])


def _flipped(path: Path, where: float) -> None:
    data = bytearray(_bytes(path))
    if data:
        data[min(int(len(data) * where), len(data) - 1)] ^= 1 << int(where * 997) % 7
    path.write_bytes(bytes(data))


def _a_folder(path: Path, where: float) -> None:
    _gone(path)
    path.mkdir()
    if where > 0.5:
        (path / "mine.txt").write_text("somebody's")


def _a_link(path: Path, where: float) -> None:
    _gone(path)
    path.symlink_to(path.name if where > 0.5 else "nowhere")


def _a_pipe(path: Path, where: float) -> None:
    _gone(path)
    os.mkfifo(path)


def _twice(path: Path, where: float) -> None:
    path.write_bytes(_bytes(path) * 2)


def _with_more(path: Path, where: float) -> None:
    more = [
        b"\xff\xfe\n",
        b"{}\n",
        b'{"index": 99}\n',
        b"[" * 5000 + b"\n",
        b'{"index":99999,"error":"x","what":"y"}\n',
    ]
    path.write_bytes(_bytes(path) + more[int(where * len(more)) % len(more)])


def _of_another(path: Path, where: float) -> None:
    others = sorted(other for other in path.parent.iterdir() if other.is_file() and other != path)
    if others:
        path.write_bytes(others[int(where * len(others)) % len(others)].read_bytes())


DAMAGES: Mapping[str, Callable[[Path, float], None]] = MappingProxyType(
    {
        "gone": lambda path, where: _gone(path),
        "a file": _a_file,
        "torn": _torn,
        "flipped": _flipped,
        "a folder": _a_folder,
        "a link": _a_link,
        "a pipe": _a_pipe,
        "twice": _twice,
        "with more": _with_more,
        "of another": _of_another,
    }
)

OF_FOLDERS = ("gone", "a file", "a folder", "a link", "a pipe")
"""What may happen to a folder as well."""
