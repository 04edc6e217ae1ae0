"""`python -m lora_mixer_app` is `lora-mixer`."""

from __future__ import annotations

from lora_mixer_app.cli import main

main()
