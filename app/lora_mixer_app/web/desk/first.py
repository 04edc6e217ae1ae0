"""What the page's script knows from the first: its words, the table of controls, what may be chosen, the first document."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from lora_mixer.choices import METHODS, PRESETS, SAMPLERS
from lora_mixer.choices.methods import MethodRow
from lora_mixer.choices.schedules import AUTOMATIC
from lora_mixer.images.animation import MOVING
from lora_mixer.settings import PICTURE
from lora_mixer_app.web.choice_i18n import CHOICES_IN_CHINESE
from lora_mixer_app.web.desk.advanced import CONTROLS, MAIN, START
from lora_mixer_app.web.desk.curves import PRESETS as CURVES
from lora_mixer_app.web.desk.models import idle_fields, model_names, settings_of
from lora_mixer_app.web.i18n import WORDS
from lora_mixer_app.web.mixing_i18n import METHOD_NUMBERS_IN_CHINESE, METHODS_IN_CHINESE
from lora_mixer_app.web.state import AppState

FIRST_PROMPT = "red heart"
FIRST_SEED = 1
_OF_NUMBERS = ("name", "default", "low", "high", "whole")
_OF_PRESETS = ("sampler", "schedule", "steps", "cfg", "eta")


def first_facts(state: AppState) -> dict[str, Any]:
    """Return the facts that are the same for everybody."""
    return {
        "words": {word.key: [word.english, word.chinese] for word in WORDS},
        "controls": [control.form(tuple(state.mixer.upscalers.files)) for control in (*MAIN, *CONTROLS)],
        "start": [control.form() for control in START],
        "models": model_names(state),
        "idle": {name: idle_fields(state.family_of(name)) for name in model_names(state)},
        "presets": {row.name: {name: getattr(row, name) for name in _OF_PRESETS} for row in PRESETS},
        "samplers": {
            row.name: {"schedules": [AUTOMATIC, *row.schedules], "eta": row.eta is not None} for row in SAMPLERS
        },
        "methods": [_method(row) for row in METHODS],
        "films": [ending for ending in MOVING if ending != ".mp4" or find_spec("av")],
        "curves": {name: CHOICES_IN_CHINESE["curve"].get(name, name) for name, _ in CURVES},
        "blocks": ["ALL", *(name for name in state.first.family.layout.presets if name != "ALL")],
        "document": first_document(state),
    }


def _method(row: MethodRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "title": _both(row.title, CHOICES_IN_CHINESE["method"]),
        "does": _both(row.does, METHODS_IN_CHINESE, row.name),
        "experimental": row.experimental,
        "numbers": [
            {name: getattr(number, name) for name in _OF_NUMBERS}
            | {"meaning": _both(number.meaning, METHOD_NUMBERS_IN_CHINESE)}
            for number in row.numbers
        ],
    }


def _both(english: str, chinese: Mapping[str, str], key: str | None = None) -> dict[str, str]:
    """Return a text in both languages, in English where the table has no Chinese under its key, or under itself."""
    return {"en": english, "zh": chinese.get(key or english, english)}


def first_document(state: AppState) -> dict[str, Any]:
    """Return the document that a desk begins with."""
    defaults = state.mixer.models_file.defaults_for(state.first.name)
    plain = {control.field: control.plain for control in CONTROLS if control.plain is not None}
    stated = {c.field: value for c in CONTROLS if (value := getattr(defaults, c.field, None)) is not None}
    own = settings_of(state, state.first.name, state.first.native_size)
    main = {c.field: PICTURE[c.field].default for c in MAIN if PICTURE[c.field].default is not None}
    settings = plain | stated | main | own | {"seed": FIRST_SEED}
    return {
        "version": 1,
        "prompt": FIRST_PROMPT,
        "negative": defaults.negative or "",
        "strips": [],
        "settings": settings,
    }
