"""One render, in numbered steps."""

from __future__ import annotations

from lora_mixer.pipeline.job import Guide, Job, Stretch, Use, batch_key
from lora_mixer.pipeline.loaded_model import Desk
from lora_mixer.pipeline.record import record_of
from lora_mixer.pipeline.render import RenderedImage, render
from lora_mixer.pipeline.text_cache import Texts

__all__ = ["Desk", "Guide", "Job", "RenderedImage", "Stretch", "Texts", "Use", "batch_key", "record_of", "render"]
