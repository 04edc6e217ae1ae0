"""A browser tab's session: its model and its renders. What the desk shows is the browser's own."""

from __future__ import annotations

from typing import Any

from lora_mixer_app.serving.session import Session


class PageSession(Session):
    """The state of one browser tab.

    Attributes:
        told: What was said last of its renders, whether or not it arrived; None before the first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, Any] | None = None

    def tell(self, answer: dict[str, Any]) -> None:
        """Remember what is said of a render, unless something was said of a newer one."""
        if self.told is None or answer["number"] >= self.told["number"]:
            self.told = answer
