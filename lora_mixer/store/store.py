"""What the ledger needs of the place where a run is kept, and no more: an object store could be behind it.

Nothing is changed in place. An object is put whole or not at all; lines are appended, which a store without appending does
by objects of their own that are read as one; a move is a copy and a removal where there are no names to change.
"""

from __future__ import annotations

from typing import Protocol


class RunStore(Protocol):
    """A place that holds objects by name; `/` divides a name into folders, which need not be there beforehand.

    Every method raises `OSError` where the place cannot be reached or written.
    """

    def where(self, name: str = "") -> str:
        """Return what errors call an object, or the place itself."""

    def has(self, name: str) -> bool:
        """Return whether there is anything of this name, an object or something in its way."""

    def read(self, name: str) -> bytes:
        """Return an object's bytes, what was appended to it included; none if there is no such object."""

    def write(self, name: str, data: bytes) -> None:
        """Put an object, whole or not at all, in place of one of that name; it is kept when the call returns."""

    def write_new(self, name: str, data: bytes) -> bool:
        """Put an object unless there is one of that name; of two who try at once, one is told it did."""

    def append(self, name: str, data: bytes) -> None:
        """Add to the end of an object, all or nothing; it is kept when the call returns."""

    def move(self, name: str, new: str) -> None:
        """Give an object another name, in place of one of that name.

        Raises:
            FileNotFoundError: There is none.
        """

    def remove(self, name: str) -> None:
        """Remove an object, if it is there."""

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names of what lies directly in a folder, in order; nothing if there is no such folder."""

    def keep(self, folder: str) -> None:
        """Return when the names that were given in a folder are kept."""

    def forget_strays(self, name: str) -> None:
        """Remove an object of this name from where the place was before, if it has moved since."""
