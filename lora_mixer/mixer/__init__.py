"""The Python API: open a model, mix LoRAs, render one picture or many."""

from __future__ import annotations

from lora_mixer.cancel import Cancel
from lora_mixer.export import BakeReport
from lora_mixer.mixer.asked import as_requests
from lora_mixer.mixer.background import Background
from lora_mixer.mixer.from_record import inputs_beside
from lora_mixer.mixer.local_names import request_from_picture, with_local_names
from lora_mixer.mixer.mixer import BaseMixer
from lora_mixer.mixer.model_lookup import find_model
from lora_mixer.mixer.options import RequestOptions
from lora_mixer.mixer.progress import Progress
from lora_mixer.mixer.render_job import RenderJob
from lora_mixer.mixer.reproduce import checked, differences, rerender
from lora_mixer.pipeline import RenderedImage

__all__ = [
    "Background",
    "BakeReport",
    "BaseMixer",
    "Cancel",
    "Progress",
    "RenderJob",
    "RenderedImage",
    "RequestOptions",
    "as_requests",
    "checked",
    "differences",
    "find_model",
    "inputs_beside",
    "request_from_picture",
    "rerender",
    "with_local_names",
]
