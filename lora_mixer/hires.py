"""Hires fix: a second pass over an enlarged picture. What is asked of it, and what that comes to."""

from __future__ import annotations

from dataclasses import replace

from lora_mixer.settings import Hires, HiresSettings, RenderRequest, Settings

__all__ = ["Hires", "HiresSettings", "batch_key"]


def batch_key(asked: RenderRequest | Settings) -> tuple[object, ...]:
    """Return what pictures must share to be rendered in one batch: model, steps, sampler, size, start, a second pass.

    Each may have input pictures of its own, and of a second pass its guidance and prompts.
    """
    again = None if asked.hires is None else replace(asked.hires, cfg=0.0, prompt=None, negative=None)
    start = None if asked.init is None else (asked.denoise, asked.mask is None, asked.masked_content)
    size = asked.width, asked.height
    return asked.model, asked.steps, asked.sampler, asked.schedule, asked.eta, *size, start, again
