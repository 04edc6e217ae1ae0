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
