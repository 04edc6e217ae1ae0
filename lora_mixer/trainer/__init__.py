"""Training LoRAs: trainable adapters on any module, data, loss, and files other programs read."""

from __future__ import annotations

from lora_mixer.trainer.wrap import Wrapped, wrap

__all__ = ["Wrapped", "wrap"]
