"""The greatest values of settings."""

from __future__ import annotations

MAX_STEPS = 1000
MAX_SIDE = 8192
MAX_SEED = 2**64 - 1
MAX_UPSCALE = 8.0
MAX_ENLARGED = 16384
"""The longest side of a finished picture that was enlarged."""
MAX_CFG = 100.0
MAX_ETA = 2.0
MAX_CLIP_SKIP = 12
MAX_LETTERS = 1 << 18
"""Characters of a prompt that is rendered: some 800 chunks of 75 tokens."""
