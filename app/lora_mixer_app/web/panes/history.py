"""The history's data: pages of what was made, found by words, LoRA and model, and what is done with several at once."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

from lora_mixer_app.serving.history import History
from lora_mixer_app.serving.history_query import Query
from lora_mixer_app.web.error_i18n import line_text
from lora_mixer_app.web.how_made import how_made
from lora_mixer_app.web.panes.pictures import PicturePane
from lora_mixer_app.web.thumbs import Thumbs

PAGE = 60
"""Pictures of one page."""
MOST_NAMES = 200
"""Names a filter offers, those of most pictures first."""


class HistoryPane:
    """What the tab shows.

    Args:
        history: The pictures.
        thumbs: Small copies of them.
    """

    def __init__(self, history: History, thumbs: Thumbs) -> None:
        self._history = history
        self._thumbs = thumbs
        self._pictures = PicturePane(thumbs)

    def page(self, query: Query, *, start: int = 0, owner: str = "", language: str = "en") -> dict[str, Any]:
        """Return a page of somebody's pictures, and what they can be filtered by."""
        found = self._history.find(query, owner=owner, start=max(0, start), limit=PAGE)
        loras, models = self._history.facets(owner=owner)
        say = partial(line_text, language=language)
        cards = [
            self._pictures.card(kept, owner=owner) | {"name": kept.path.name, "infotext": how_made(kept.record, say)}
            for kept in found.pictures
        ]
        return {
            "pictures": cards,
            "total": found.total,
            "loras": list(loras.items())[:MOST_NAMES],
            "models": list(models.items())[:MOST_NAMES],
            "bin": len(self._history.in_bin(owner=owner)),
            "size": PAGE,
        }

    def pin(self, keys: Collection[int], *, pinned: bool, owner: str = "") -> None:
        """Make pictures favourites, or no longer.

        Raises:
            FileError: The list of pins cannot be written.
        """
        for key in keys:
            self._history.pin(key, pinned=pinned, owner=owner)

    def throw_away(self, keys: Collection[int], *, owner: str = "") -> list[int]:
        """Put pictures into the bin; return which were there to be put.

        Raises:
            FileError: A file cannot be moved; those before it are in the bin.
        """
        return [kept.id for key in keys if (kept := self._history.throw_away(key, owner=owner)) is not None]

    def restore(self, keys: Collection[int], *, owner: str = "") -> list[int]:
        """Take pictures out of the bin; return which were in it.

        Raises:
            FileError: A file cannot be moved; those before it are back.
        """
        return [kept.id for key in keys if (kept := self._history.restore(key, owner=owner)) is not None]

    def destroy(self, keys: Collection[int] | None, *, owner: str = "") -> int:
        """Delete pictures of the bin for good, all of them where None is given; return how many.

        Raises:
            FileError: A file cannot be deleted; those before it are gone.
        """
        binned = self._history.in_bin(owner=owner)
        going = binned if keys is None else [key for key in keys if key in binned]
        for key in going:
            kept = self._history.get(key, owner=owner)
            if kept is not None:
                self._thumbs.forget(kept.path, name=kept.path.name, owner=owner)
            self._history.delete(key, owner=owner)
        return len(going)
