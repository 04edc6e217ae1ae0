"""A switch that stops what is under way; no torch here."""

from __future__ import annotations

from lora_mixer.errors import CancelledError


class Cancel:
    """A switch that stops a render within one step; safe to press from any thread, and from a signal's handler.

    Args:
        remedy: What whoever pressed it is told.

    >>> cancel = Cancel()
    >>> cancel.press()
    >>> cancel.pressed
    True
    """

    def __init__(self, *, remedy: str = "Pictures finished before are kept.") -> None:
        self._remedy = remedy
        self._pressed = False

    def press(self) -> None:
        """Ask the render to stop after the step it is in."""
        self._pressed = True

    @property
    def pressed(self) -> bool:
        """Whether it was pressed."""
        return self._pressed

    def check(self) -> None:
        """Raise if it was pressed.

        Raises:
            CancelledError: It was.
        """
        if self.pressed:
            raise CancelledError("cancelled", remedy=self._remedy)
