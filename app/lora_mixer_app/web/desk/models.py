"""The choice of the model, each browser tab's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from lora_mixer.families import Family
from lora_mixer.settings import PICTURE, SECOND_PASS
from lora_mixer.settings.fitting import unknown_to
from lora_mixer_app.web.desk.advanced import MAIN, SECOND
from lora_mixer_app.web.state import AppState

LEFT = frozenset({"seed", "preset"})
"""Settings of the main ones that do not go with a model."""


def model_names(state: AppState) -> list[str]:
    """Return the models of models.toml, the first of the page before the others."""
    return list(dict.fromkeys([state.first.name, *state.mixer.models_file.models]))


def settings_of(state: AppState, name: str, native_size: tuple[int, int]) -> dict[str, Any]:
    """Return the settings that a model brings."""
    defaults = state.mixer.models_file.defaults_for(name)
    width, height = native_size
    defaults = replace(defaults, width=defaults.width or width, height=defaults.height or height)
    own = {control.field: getattr(defaults, control.field) for control in MAIN if control.field not in LEFT}
    return {"model": name} | {field: value for field, value in own.items() if value is not None}


def idle_fields(family: Family | None) -> list[str]:
    """Return the controls that do nothing for models of a family, by their fields; none where it is not known yet."""
    if family is None:
        return []
    second = (SECOND + row.name for row in unknown_to(family, SECOND_PASS))
    return [*(row.name for row in unknown_to(family, PICTURE)), *second]


def choose_model(state: AppState, request: gr.Request, data: dict[str, Any]) -> dict[str, Any]:
    """Open a model (`name`) for a browser tab, and return its title, the settings it brings, and those that do nothing for it."""
    found = state.choose_model(request, str(data.get("name") or ""))
    settings = settings_of(state, found.name, found.native_size)
    return {"title": found.family.title, "settings": settings, "idle": idle_fields(found.family)}
