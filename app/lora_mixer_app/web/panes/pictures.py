"""What the page shows of a picture of the history."""

from __future__ import annotations

from typing import Any

from lora_mixer_app.serving.history import Kept
from lora_mixer_app.web.thumbs import Thumbs

_BRIEF = 120


class PicturePane:
    """What is shown.

    Args:
        thumbs: Small copies of pictures.
    """

    def __init__(self, thumbs: Thumbs) -> None:
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
