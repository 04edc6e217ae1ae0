"""Which LoRAs somebody likes best: a small file for each person, by the files' paths."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from lora_mixer.errors import FileError
from lora_mixer.images import make_folder, write_whole
from lora_mixer_app.serving.owners import folder_of

FILE = "favourites.json"
MOST = 10_000


class Favourites:
    """Favourites, kept in a folder.

    Args:
        folder: Where the files are kept; those of somebody with a name in a folder of theirs below it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._known: dict[str, frozenset[str]] = {}

    def of(self, owner: str = "") -> frozenset[str]:
        """Return the paths of somebody's favourites."""
        with self._lock:
            return self._of(owner)

    def set(self, path: Path, *, liked: bool, owner: str = "") -> None:
        """Make a file a favourite of somebody's, or no longer.

        Raises:
            FileError: It cannot be written, or there are too many.
        """
        with self._lock:
            others = self._of(owner) - {str(path)}
            paths = others | {str(path)} if liked else others
            if len(paths) > MOST:
                raise FileError(f"there are {MOST:,} favourites already", remedy="Take some of them away first.")
            place = make_folder(folder_of(self._folder, owner)) / FILE
            text = json.dumps(sorted(paths), ensure_ascii=False, indent=1)
            write_whole(place, lambda out: out.write(text.encode("utf-8", "surrogateescape")))
            self._known[owner] = frozenset(paths)

    def _of(self, owner: str) -> frozenset[str]:
        if owner not in self._known:
            self._known[owner] = _read(folder_of(self._folder, owner) / FILE)
        return self._known[owner]


def _read(path: Path) -> frozenset[str]:
    try:
        paths = json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
    except (OSError, ValueError):  # none yet, or no list: likes are worth no refusal to start
        return frozenset()
    return frozenset(filter(lambda item: isinstance(item, str), paths)) if isinstance(paths, list) else frozenset()
