"""The command line: `lora-mixer`."""

from __future__ import annotations

from lora_mixer_app.cli.program import COMMANDS, build, main

__all__ = ["COMMANDS", "build", "main"]
