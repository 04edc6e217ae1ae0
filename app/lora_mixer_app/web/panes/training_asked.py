"""What a training is asked for on the page, read from what its boxes hold: all of it, or what is wrong with which box."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lora_mixer.catalog import Library
from lora_mixer.errors import LoraMixerError, RequestError
from lora_mixer.trainer.apart import TrainingAsked
from lora_mixer.trainer.apart.trainings import wrong_settings
from lora_mixer_app.web.panes.sent import sent_text
from lora_mixer_app.web.state import AppState

SLIDER_STRENGTHS = [-1, -0.5, 0, 0.5, 1]
"""Of a slider's samples."""


def read_asked(sent: Mapping[str, Any], state: AppState, *, near: bool) -> TrainingAsked | dict[str, LoraMixerError]:
    """Return what a training is asked for, or what is wrong by the names of the boxes.

    Args:
        sent: `settings`, `model` and `folder`.
        state: What all pages share.
        near: Whoever asks sits at this machine, and may name its folders.
    """
    settings, wrong = _settings(sent.get("settings")), dict[str, LoraMixerError]()
    _lay_beside(settings, state.loras.library, wrong)
    wrong |= wrong_settings(settings)
    model, folder = sent.get("model") or None, sent_text(sent, "folder") or None
    if model is not None and model not in state.mixer.models_file.models:
        wrong["model"] = RequestError(f"there is no model called {model!r} in models.toml")
    if folder is not None and not near:
        wrong["folder"] = RequestError("folders are named at this machine only", remedy="Send the pictures.")
    elif folder is not None and not Path(folder).expanduser().is_dir():
        wrong["folder"] = RequestError("there is no such folder on this machine")
    return wrong or TrainingAsked(
        model=model,
        models_file=str(state.mixer.models_file.path),
        settings=settings,
        pictures=None if folder is None else str(Path(folder).expanduser().absolute()),
    )


def _lay_beside(settings: dict[str, Any], library: Library, wrong: dict[str, LoraMixerError]) -> None:
    """Put the mixes that samples are painted beside where the trainer reads them."""
    try:
        mixes = mixes_of(str(settings.pop("beside", "")), library)
    except LoraMixerError as error:
        wrong["beside"] = error
        return
    if mixes and "samples" not in settings:
        wrong["beside"] = RequestError("there is no sample prompt", remedy="Write one.")
    elif mixes:
        settings["samples"]["beside"] = mixes


def _settings(sent: object) -> dict[str, Any]:
    """Return settings as they were sent, those without a value left at their defaults."""
    given = sent if isinstance(sent, Mapping) else {}
    found = {str(name): value for name, value in given.items() if value not in (None, "")}
    prompt = found.pop("sample", None)
    if prompt:
        found["samples"] = {"prompts": [str(prompt)]}
        if "slider" in found:
            found["samples"]["strengths"] = SLIDER_STRENGTHS
    return found


def mixes_of(text: str, library: Library) -> list[dict[str, float]]:
    """Return the mixes that samples are painted beside: parted by commas, the LoRAs of one by pluses.

    Raises:
        RequestError, AdapterError: A strength is no number, or there is no such LoRA.
    """
    mixes = []
    for mix in filter(str.strip, text.split(",")):
        uses: dict[str, float] = {}
        for use in mix.split("+"):
            name, colon, strength = use.strip().rpartition(":")
            entry = library.find(name.strip() if colon else use.strip(), paths=False)
            uses[entry.name] = _number(strength) if colon else 1.0
        mixes.append(uses)
    return mixes


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise RequestError(f"{text.strip()!r} is no number", remedy="Write night_sky:0.7, or a name alone.")
    return number
