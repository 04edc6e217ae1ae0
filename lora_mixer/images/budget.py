"""A budget per file: readers share it, whatever the file holds.

A picture is read for a stranger. Each limit alone can be met many times over (64 chunks of 8 MiB each, 256 entries that
all point at the same bytes), so the bytes unpacked, the entries looked at and the nodes visited are counted a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_BYTES = 4 * 1024 * 1024
MAX_ENTRIES = 4096
MAX_NODES = 20_000


@dataclass(slots=True)
class Budget:
    """The remaining budget of a file.

    Attributes:
        bytes: Bytes of text that may still be unpacked or copied.
        entries: Text chunks and EXIF entries that may still be looked at.
        nodes: Nodes of a graph, and values behind them, that may still be visited.
        spent: What ran out, for the user.
    """

    bytes: int = MAX_BYTES
    entries: int = MAX_ENTRIES
    nodes: int = MAX_NODES
    spent: set[str] = field(default_factory=set)

    def room(self) -> int:
        """Return how many bytes may still be unpacked."""
        return self.bytes

    def unpacked(self, size: int) -> None:
        """Count bytes that were unpacked or copied."""
        self.bytes -= size
        if self.bytes <= 0:
            self.bytes = 0
            self.spent.add(f"only the first {MAX_BYTES >> 20} MiB of its texts were read")

    def entry(self) -> bool:
        """Count a chunk or an EXIF entry; tell whether it may be looked at."""
        self.entries -= 1
        if self.entries < 0:
            self.spent.add(f"only the first {MAX_ENTRIES} of its entries were read")
        return self.entries >= 0

    def node(self) -> bool:
        """Count a visit to a node; tell whether it may be made."""
        self.nodes -= 1
        if self.nodes < 0:
            self.spent.add(f"its graph was followed for {MAX_NODES} nodes only")
        return self.nodes >= 0

    def notes(self) -> tuple[str, ...]:
        """Return what was left unread, in words."""
        return tuple(sorted(self.spent))
