"""The mixing desk: prompts, a strip per LoRA, the picture."""

from __future__ import annotations

from lora_mixer_app.web.desk.desk import Desk, build_desk

__all__ = ["Desk", "build_desk"]
