"""How far LoRAs move a model's weights: measured once for each file and model, after it was first rendered with."""

from __future__ import annotations

from typing import Any

import gradio as gr

from lora_mixer.blend.overlap import TOO_STRONG
from lora_mixer.errors import LoraMixerError
from lora_mixer_app.web.state import AppState


def lora_moves(state: AppState, request: gr.Request, data: dict[str, Any]) -> dict[str, dict[str, float] | None]:
    """Return by name (`names`) how far a LoRA at strength 1 moves the weights, as a part of them.

    With it goes the strength from which pictures burn; None stands for a LoRA that cannot be measured.
    """
    model = state.model(request).name
    return {str(name): _moves(state, str(name), model) for name in data.get("names") or ()}


def _moves(state: AppState, name: str, model: str) -> dict[str, float] | None:
    try:
        entry = state.loras.library.find(name)
        key = (entry.path, entry.mtime_ns, model)
        if key not in state.measured:
            state.measured[key] = state.mixer.overlap([name], model=model).size(0)
    except LoraMixerError:
        return None
    return {"size": state.measured[key], "burns": TOO_STRONG}
