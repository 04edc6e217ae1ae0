"""Networks that enlarge pictures: opened from files people have, run in tiles."""

from __future__ import annotations

from lora_mixer.upscalers.enlarge import TILE, Enlarged, Tile, counted, enlarge
from lora_mixer.upscalers.network import UpscalingNetwork, open_upscaler
from lora_mixer.upscalers.weights import copy_weights

__all__ = ["TILE", "Enlarged", "Tile", "UpscalingNetwork", "copy_weights", "counted", "enlarge", "open_upscaler"]
