"""Public file names: responses say `/~desk/a.png`, never the folders above it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote


class FolderNames:
    """Public names of folders, and of paths within them.

    >>> names = FolderNames({"desk": Path("/home/ada/desk")})
    >>> names.hidden(b'{"path": "/home/ada/desk/pictures/7.png"}')
    b'{"path": "/~desk/pictures/7.png"}'
    >>> names.path("/~desk/pictures/7.png")
    '/home/ada/desk/pictures/7.png'

    Args:
        folders: Absolute folders by their names.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = dict(folders)
        spelled = {
            spelling: f"/~{name}/".encode()
            for name, folder in folders.items()
            for place in {folder, folder.resolve()}
            for spelling in _spellings(place)
        }
        self._spelled = sorted(spelled.items(), key=lambda item: -len(item[0]))

    def hidden(self, text: bytes) -> bytes:
        """Return a text (JSON, HTML, a URL) with folders replaced by their names."""
        for spelling, name in self._spelled:
            text = text.replace(spelling, name)
        return text

    def path(self, asked: str) -> str:
        """Return the real path of a public one; any other as it is."""
        for name, folder in self._folders.items():
            if asked.startswith(f"/~{name}/"):
                return str(folder / asked.removeprefix(f"/~{name}/"))
        return asked


def _spellings(folder: Path) -> set[bytes]:
    """Return a folder with the separator behind it, as JSON and URLs write it."""
    texts = {f"{folder}/", f"{folder.as_posix()}/", f"{folder}\\"}
    written = texts | {json.dumps(text)[1:-1] for text in texts}
    written |= {json.dumps(text, ensure_ascii=False)[1:-1] for text in texts} | {quote(text) for text in texts}
    return {text.encode() for text in written}
