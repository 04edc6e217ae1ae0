"""What every test stands on: no home folder, no hub, one thread, the embedded model opened once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ.setdefault("HYPOTHESIS_PROFILE", "ci")

from hypothesis import HealthCheck, settings

from lora_mixer.waiting import wait_passively

wait_passively()

settings.register_profile(
    "ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.register_profile("nightly", deadline=None, max_examples=2000)
settings.load_profile(os.environ["HYPOTHESIS_PROFILE"])


@pytest.fixture(autouse=True)
def clean_surroundings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test away from the home folder and from the settings of whoever runs it."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    for name in ("LORA_MIXER_MODELS", "LORA_MIXER_CACHE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def embedded() -> Path:
    """The folder of the embedded model: `model/`, `loras/`, `embeddings/`."""
    return Path(__file__).parents[1] / "lora_mixer" / "data" / "emoji"


@pytest.fixture(scope="session")
def mixer() -> object:
    """The embedded model in float32, open for the whole session."""
    from lora_mixer import Mixer

    return Mixer.open("emoji", dtype="float32")
