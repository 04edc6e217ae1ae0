"""The fields of a request that may be given as keywords."""

from __future__ import annotations

from lora_mixer.settings import RequestOptions

__all__ = ["RequestOptions"]
