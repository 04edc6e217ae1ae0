"""What may be written in a prompt here: LoRAs, embeddings, wildcards."""

from __future__ import annotations

from typing import Any

import gradio as gr

from lora_mixer.catalog import EmbeddingLibrary
from lora_mixer.prompt.wildcards import Wildcards
from lora_mixer_app.web.state import AppState


def list_completions(state: AppState, request: gr.Request, data: dict[str, Any]) -> dict[str, list[str]]:
    """Return the names of LoRAs, embeddings and wildcards, as the folders have them now."""
    del request, data
    file = state.mixer.models_file
    return {
        "loras": [entry.name for entry in state.loras.library.entries],
        "embeddings": sorted(EmbeddingLibrary(file.embedding_folders).files),
        "wildcards": list(Wildcards(file.wildcard_folders).names),
    }
