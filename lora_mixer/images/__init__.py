"""Pictures with their records: written atomically, read from any program."""

from __future__ import annotations

from lora_mixer.images.describe import infotext
from lora_mixer.images.infotext import Infotext, parse_infotext
from lora_mixer.images.pixels import load_pixels
from lora_mixer.images.read import PictureInfo, read_picture
from lora_mixer.images.record import (
    RECIPE,
    AdapterRecord,
    EmbeddingRecord,
    Inputs,
    ModelRecord,
    RenderRecord,
    UpscalerRecord,
    plain,
)
from lora_mixer.images.save import FORMATS, make_folder, open_target, save_picture, write_whole

__all__ = [
    "FORMATS",
    "RECIPE",
    "AdapterRecord",
    "EmbeddingRecord",
    "Infotext",
    "Inputs",
    "ModelRecord",
    "PictureInfo",
    "RenderRecord",
    "UpscalerRecord",
    "infotext",
    "load_pixels",
    "make_folder",
    "open_target",
    "parse_infotext",
    "plain",
    "read_picture",
    "save_picture",
    "write_whole",
]
