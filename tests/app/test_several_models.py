"""People who choose different models at the same moment."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

import pytest

from lora_mixer import Mixer
from lora_mixer.errors import ModelError
from lora_mixer_app.web.state import AppState
from tests.support.people import person
from tests.support.threads import together

MODELS = """
default = "emoji"
max_models = 3
"""
MODEL = """
[models.{name}]
location = "{location}"
dtype = "float32"
"""
NAMES = ("emoji", "first", "second")


@pytest.fixture
def state(tmp_path: Path) -> AppState:
    places = dict.fromkeys(NAMES, "builtin:emoji") | {"gone": str(tmp_path / "gone.safetensors")}
    (tmp_path / "models.toml").write_text(
        MODELS + "".join(MODEL.format(name=name, location=place) for name, place in places.items())
    )
    return AppState(Mixer.open(models_file=tmp_path / "models.toml"), tmp_path / "studio")


def test_everybody_gets_the_model_they_chose(state: AppState) -> None:
    for name in NAMES:
        state.choose_model(person("nobody"), name)
    got: list[tuple[str, str, str]] = []

    def choose(tab: str, names: tuple[str, ...]) -> None:
        for name in names * 10:
            found = state.choose_model(person(tab), name)
            got.append((name, found.name, state.model(person(tab)).name))

    with together([partial(choose, f"tab {n}", NAMES[n:] + NAMES[:n]) for n in range(3)]):
        pass
    assert len(got) == 90
    assert [row for row in got if len(set(row)) > 1] == []
    assert state.mixer.model_name == "emoji"  # what they share is as it was


def test_what_a_tab_asks_for_while_its_model_opens_is_made_with_that_model(
    state: AppState, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening, go_on = threading.Event(), threading.Event()
    loaded_for = state.mixer.loaded_for

    def slow(request):
        if threading.current_thread() is not threading.main_thread():
            opening.set()
            go_on.wait(30)
        return loaded_for(request)

    monkeypatch.setattr(state.mixer, "loaded_for", slow)
    choosing = threading.Thread(target=state.choose_model, args=(person("tab"), "second"))
    choosing.start()
    assert opening.wait(30)
    assert state.model(person("tab")).name == "second"
    assert state.model(person("another tab")).name == "emoji"
    go_on.set()
    choosing.join()


def test_a_model_that_cannot_be_opened_leaves_a_tab_with_the_one_before(state: AppState) -> None:
    tab = person("tab")
    state.choose_model(tab, "first")
    with pytest.raises(ModelError):
        state.choose_model(tab, "gone")
    assert state.model(tab).name == "first"
