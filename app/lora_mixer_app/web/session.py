"""A browser tab's session: its model and its renders. What the desk shows is the browser's own."""

from __future__ import annotations

from lora_mixer_app.serving.session import Session


class PageSession(Session):
    """The state of one browser tab."""
