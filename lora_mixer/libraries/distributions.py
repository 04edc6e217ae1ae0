"""Which distribution a package came with: looked up when somebody asks.

diffusers reads the metadata of every installed distribution as it is imported, a sixth of what an import of it costs, to
know the versions of three packages that are seldom there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib import metadata


class Distributions(Mapping[str, list[str]]):
    """What `importlib.metadata.packages_distributions` returns, read when it is first asked."""

    @cached_property
    def _read(self) -> Mapping[str, list[str]]:
        return _real()

    def __getitem__(self, package: str) -> list[str]:
        """Return the distributions of a package."""
        return self._read[package]

    def __iter__(self) -> Iterator[str]:
        """Yield the packages."""
        return iter(self._read)

    def __len__(self) -> int:
        """Return how many packages there are."""
        return len(self._read)


@contextmanager
def distributions_when_asked() -> Iterator[None]:
    """Let whoever is imported within the block have the packages' distributions without reading them."""
    metadata.packages_distributions = Distributions
    try:
        yield
    finally:
        metadata.packages_distributions = _real


_real = metadata.packages_distributions
