"""Whatever several people do over one server, and in whatever order: every picture is the one its own record says."""

from __future__ import annotations

import itertools
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import gradio as gr
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lora_mixer import Mixer, RenderRequest
from lora_mixer.images import read_picture
from lora_mixer.mixer import differences, rerender
from lora_mixer_app.web.desk.answers import answers
from lora_mixer_app.web.state import AppState, caller_of
from lora_mixer_app.web.tabs.run_folders import begin_run
from lora_mixer_app.web.tabs.runs import render_run
from lora_mixer_app.web.tabs.sheet_plan import AxisChoice, plan_sheet
from tests.support.people import person

MODELS = """
default = "exact"
max_models = 2

[models.exact]
location = "builtin:emoji"
dtype = "float32"

[models.rough]
location = "builtin:emoji"
dtype = "bfloat16"
"""
PEOPLE = 3
PROMPTS = ("cat", "cat <lora:line_art:0.7>", "sun <lora:sepia:0.5> <lora:line_art:-0.4>", "cat [<lora:sepia:1>:1]")
NOTHING = AxisChoice()


class Deed(NamedTuple):
    """What somebody does: choose a model, or render, and how that ends."""

    who: int
    model: str | None
    prompt: str
    steps: int
    end: str


def deeds() -> st.SearchStrategy[list[Deed]]:
    return st.lists(
        st.builds(
            Deed,
            who=st.integers(0, PEOPLE - 1),
            model=st.sampled_from([None, None, "exact", "rough"]),
            prompt=st.sampled_from(PROMPTS),
            steps=st.integers(1, 3),
            end=st.sampled_from(["wait", "wait", "wait", "cancel", "drop", "error", "leave", "sheet"]),
        ),
        min_size=6,
        max_size=12,
    )


class Town:
    """People over one server."""

    def __init__(self, mixer: Mixer, folder: Path) -> None:
        self.state = AppState(mixer, folder)
        self.wanted: dict[int, tuple[str, str]] = {}
        self._seeds = itertools.count(1000, 10)

    def live(self, deeds: list[Deed]) -> None:
        """Let everybody do what they do, each one thing after the other, all at the same time."""
        lives = [threading.Thread(target=self._live, args=(who, deeds)) for who in range(PEOPLE)]
        for life in lives:
            life.start()
        for life in lives:
            life.join(120)
            assert not life.is_alive()

    def _live(self, who: int, deeds: list[Deed]) -> None:
        request = person(f"tab {who}", name=f"person {who}")
        for deed in deeds:
            if deed.who == who:
                with suppress(gr.Error):
                    self._do(request, deed)

    def _do(self, request: gr.Request, deed: Deed) -> None:
        state = self.state
        if deed.model:
            state.choose_model(request, deed.model)
        seed, model = next(self._seeds), state.model(request).name
        self.wanted[seed] = (model, deed.prompt)
        sampler = "Oiler" if deed.end == "error" else "Euler a"
        wish = RenderRequest(prompt=deed.prompt, seed=seed, steps=deed.steps, sampler=sampler, model=model)
        if deed.end == "sheet":
            self._sheet(request, wish)
            return
        settings = {"seed": seed, "steps": deed.steps, "sampler": sampler, "model": model}
        shown = answers(state, request, {"number": seed, "document": {"prompt": deed.prompt, "settings": settings}})
        for count, _ in enumerate(shown):
            if count == 0 and deed.end == "cancel":
                state.session(request).cancel("desk")
            elif count == 0 and deed.end == "leave":
                state.forget(request)
            elif deed.end == "drop":
                break
        shown.close()

    def _sheet(self, request: gr.Request, wish: RenderRequest) -> None:
        seed = wish.seed or 0
        self.wanted[seed + 1] = self.wanted[seed]
        plan = plan_sheet(wish, [AxisChoice(kind="seed", values=f"{seed}..{seed + 1}"), NOTHING, NOTHING], without=True)
        wanted = begin_run(self.state, plan, kind="sheet", model=wish.model or "", owner=str(request.username))
        cancel = self.state.begin(request, "sheet")
        for _ in render_run(self.state, wanted, cancel=cancel, caller=caller_of(request)):
            pass


class Models:
    """Open models: the one all people share, and others by themselves to compare with."""

    def __init__(self, path: Path) -> None:
        path.write_text(MODELS)
        self.shared = Mixer.open(models_file=path)
        self.alone = cache(lambda model, engine: Mixer.open(model, models_file=path, engine=engine))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return Models(tmp_path_factory.mktemp("models") / "models.toml")


@settings(max_examples=3)
@given(deeds=deeds())
def test_every_picture_is_the_one_its_own_record_says(
    deeds: list[Deed], models: Models, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("town")
    town = Town(models.shared, folder)
    town.live(deeds)
    assert town.state.queue.ahead() == 0
    pictures = [path for place in ("pictures", "runs") for path in (folder / place).rglob("*.png")]
    made = [path for path in pictures if not path.name.startswith("grid")]
    for path in made:
        record = read_picture(path).record
        assert (record.settings.model, record.settings.prompt) == town.wanted[record.settings.seed]
        by_itself = models.alone(record.settings.model, record.engine)
        assert differences(by_itself, record) == ()
        with Image.open(path) as image:
            assert np.array_equal(np.asarray(rerender(by_itself, record).image), np.asarray(image)), path.name
    waited = [deed for deed in deeds if deed.end in {"wait", "sheet"}]
    assert len(made) >= len(waited)
