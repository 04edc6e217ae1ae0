"""Which ways of blending were shown to beat the sum. Written by `make eval-blend ARGS="--write"`, not by hand."""

from __future__ import annotations

BEAT_THE_SUM: tuple[str, ...] = ()
"""Names of methods; all others but the sum are experimental."""
