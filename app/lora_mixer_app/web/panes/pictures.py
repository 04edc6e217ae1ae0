"""The picture pane's data: what was made, newest first, and what its toolbar does with the picture that is shown."""

from __future__ import annotations

from typing import Any

from lora_mixer.errors import MissingFileError
from lora_mixer_app.serving.history import History, Kept
from lora_mixer_app.web.how_made import how_made
from lora_mixer_app.web.thumbs import Thumbs

MOST = 200
_BRIEF = 120


class PicturePane:
    """What the pane shows.

    Args:
        history: The pictures.
        thumbs: Small copies of them.
    """

    def __init__(self, history: History, thumbs: Thumbs) -> None:
        self._history = history
        self._thumbs = thumbs

    def listing(self, *, owner: str = "", most: int = 60) -> list[dict[str, Any]]:
        """Return somebody's newest pictures."""
        found = self._history.search(owner=owner, limit=min(max(most, 1), MOST))
        return [self.card(kept, owner=owner) for kept in sorted(found, key=lambda kept: -kept.id)]

    def thrown_away(self, *, owner: str = "") -> list[dict[str, Any]]:
        """Return what lies in somebody's bin."""
        return [self.card(kept, owner=owner) for kept in self._history.thrown_away(owner=owner, limit=MOST)]

    def details(self, key: int, *, owner: str = "") -> dict[str, Any]:
        """Return a picture with how it was made, as A1111 writes it.

        Raises:
            MissingFileError: It is gone.
        """
        kept = self.found(key, owner=owner)
        return self.card(kept, owner=owner) | {"infotext": how_made(kept.record), "notes": list(kept.record.notes)}

    def card(self, kept: Kept, *, owner: str = "") -> dict[str, Any]:
        """Return what the page shows of a picture."""
        settings = kept.record.settings
        return {
            "id": kept.id,
            "path": str(kept.path),
            "thumb": str(self._thumbs.of(kept.path, name=kept.path.name, owner=owner)),
            "pinned": kept.pinned,
            "seed": settings.seed,
            "width": settings.width,
            "height": settings.height,
            "prompt": settings.prompt[:_BRIEF],
        }

    def throw_away(self, key: int, *, owner: str = "") -> None:
        """Put a picture into the bin.

        Raises:
            MissingFileError: It is gone.
            FileError: Its file cannot be moved.
        """
        if self._history.throw_away(key, owner=owner) is None:
            raise _gone()

    def restore(self, key: int, *, owner: str = "") -> dict[str, Any]:
        """Take a picture out of the bin.

        Raises:
            MissingFileError: It is gone for good.
            FileError: Its file cannot be moved.
        """
        kept = self._history.restore(key, owner=owner)
        if kept is None:
            raise _gone()
        return self.card(kept, owner=owner)

    def pin(self, key: int, *, pinned: bool, owner: str = "") -> dict[str, Any]:
        """Pin a picture, or let go of it.

        Raises:
            MissingFileError: It is gone.
            FileError: The list of pins cannot be written.
        """
        self._history.pin(self.found(key, owner=owner).id, pinned=pinned, owner=owner)
        return self.card(self.found(key, owner=owner), owner=owner)

    def found(self, key: int, *, owner: str = "") -> Kept:
        """Return a picture of the history.

        Raises:
            MissingFileError: It is gone.
        """
        kept = self._history.get(key, owner=owner)
        if kept is None or not kept.path.is_file():
            raise _gone()
        return kept


def _gone() -> MissingFileError:
    return MissingFileError("that picture is gone", remedy="Choose another one.")
