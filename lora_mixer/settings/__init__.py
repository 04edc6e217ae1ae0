"""The settings of a picture: one table, and the requests that are made from it."""

from __future__ import annotations

from lora_mixer.settings.classes import Hires, HiresSettings, RenderRequest, RequestOptions, Settings
from lora_mixer.settings.making import filled, unknown_field
from lora_mixer.settings.picture import PICTURE
from lora_mixer.settings.second_pass import SECOND_PASS
from lora_mixer.settings.setting import PageControl, Setting, Since, Table

__all__ = [
    "PICTURE",
    "SECOND_PASS",
    "Hires",
    "HiresSettings",
    "PageControl",
    "RenderRequest",
    "RequestOptions",
    "Setting",
    "Settings",
    "Since",
    "Table",
    "filled",
    "unknown_field",
]
