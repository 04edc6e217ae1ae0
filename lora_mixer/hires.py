"""Hires fix: a second pass over an enlarged picture. What is asked of it, and what that comes to."""

from __future__ import annotations

from dataclasses import replace

from lora_mixer.settings import Hires, HiresSettings

__all__ = ["Hires", "HiresSettings", "batch_part"]


def batch_part(hires: Hires | HiresSettings | None) -> object:
    """Return what of a second pass pictures must share to be rendered in one batch: all but its guidance."""
    return None if hires is None else replace(hires, cfg=0.0, prompt=None, negative=None)
