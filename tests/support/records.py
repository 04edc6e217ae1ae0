"""Settings and records of pictures that nobody drew."""

from __future__ import annotations

from typing import Any

from lora_mixer.images import ModelRecord, RenderRecord
from lora_mixer.request import Settings


def made_up_settings(prompt: str = "", **values: Any) -> Settings:
    """Return settings of a small picture; what is not given is as usual."""
    usual: dict[str, Any] = {
        "negative": "",
        "loras": (),
        "seed": 1,
        "steps": 20,
        "cfg": 7.0,
        "sampler": "Euler",
        "schedule": "Karras",
        "width": 64,
        "height": 64,
        "clip_skip": 1,
        "model": "emoji",
    }
    return Settings(prompt=prompt, **usual | values)


def made_up_record(settings: Settings, **values: Any) -> RenderRecord:
    """Return a record of a picture with these settings; what is not given is as usual."""
    usual: dict[str, Any] = {
        "model": ModelRecord(name="emoji", sha256="ab" * 32),
        "adapters": (),
        "engine": "none",
        "engine_reason": "no mix",
        "batch_size": 1,
        "batch_index": 0,
        "device": "cpu",
        "dtype": "float32",
        "versions": {"torch": "2"},
        "seconds": 1.0,
    }
    return RenderRecord(settings=settings, **usual | values)
