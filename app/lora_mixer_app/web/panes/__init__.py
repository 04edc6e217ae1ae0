"""The page's left and centre: the library of LoRAs, and the picture with what is drawn on it."""

from __future__ import annotations

from lora_mixer_app.web.panes.door import PanesDoor
from lora_mixer_app.web.panes.questions import Panes

__all__ = ["Panes", "PanesDoor"]
