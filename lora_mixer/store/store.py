"""What the ledger needs of the place where a run is kept, and no more, so that an object store could serve.

Nothing is changed in place. An object is put whole or not at all. Lines are appended; a store that cannot append writes
separate objects and reads them as one. Where objects cannot be renamed, a move is a copy and a removal.
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
        """Return whether anything has this name, an object or something in its way."""

    def read(self, name: str) -> bytes:
        """Return an object's bytes, what was appended to it included; none if there is no such object."""

    def write(self, name: str, data: bytes) -> None:
        """Put an object, whole or not at all, replacing one of that name; it is durable when the call returns."""

    def write_new(self, name: str, data: bytes) -> bool:
        """Put an object unless one of that name exists; of two simultaneous callers exactly one gets True."""

    def append(self, name: str, data: bytes) -> None:
        """Append to an object, all or nothing; it is durable when the call returns."""

    def move(self, name: str, new: str) -> None:
        """Rename an object, replacing one of the new name.

        Raises:
            FileNotFoundError: There is none.
        """

    def remove(self, name: str) -> None:
        """Remove an object, if it exists."""

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the sorted names directly in a folder; none if there is no such folder."""

    def keep(self, folder: str) -> None:
        """Return once the new names in a folder are durable."""

    def forget_strays(self, name: str) -> None:
        """Remove an object of this name from the place's earlier location, if it has moved."""
