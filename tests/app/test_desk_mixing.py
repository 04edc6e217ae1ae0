"""What the desk's controls ask of a mix, and pictures that are made beside the desk's own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from PIL import Image

from lora_mixer import Mix, Mixer
from lora_mixer.errors import RequestError
from lora_mixer.images import read_picture
from lora_mixer.morph import path, weighted
from lora_mixer_app.web.desk.asked import asked_request
from lora_mixer_app.web.desk.functions import QUESTIONS
from lora_mixer_app.web.state import AppState
from tests.support.people import person

MODELS = """
default = "emoji"

[models.emoji]
location = "builtin:emoji"
dtype = "float32"
"""
LIMITS = {"line_art": [0, 1], "sepia": [0.25, 0.5], "night_sky": [-0.5, 0.5]}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> AppState:
    folder = tmp_path_factory.mktemp("mixing")
    (folder / "models.toml").write_text(MODELS)
    return AppState(Mixer.open(models_file=folder / "models.toml"), folder / "studio")


def ask(state: AppState, name: str, **data: Any) -> Any:
    return QUESTIONS[name](state, person("mixing"), data)


def document(prompt: str = "red heart", **strengths: float) -> dict[str, Any]:
    strips = [{"number": at, "name": name, "strength": value} for at, (name, value) in enumerate(strengths.items(), 1)]
    settings = {"steps": 1, "seed": 7, "width": 64, "height": 64}
    return {"prompt": prompt, "strips": strips, "settings": settings}


@pytest.mark.parametrize("per", ["block", "mix"])
def test_a_balanced_desk_asks_for_what_the_mixer_balances(state: AppState, per: str) -> None:
    sent = document("cat <lora:sepia:1>, a hat", line_art=1.0, high_contrast=1.0)
    found = ask(state, "mix.balance", document=sent, per=per)
    assert json.loads(json.dumps(found)) == found  # as it is sent
    for strip in sent["strips"]:
        strip.update(found["strips"][str(strip["number"])])
    after = asked_request(state, person("mixing"), {**sent, "prompt": found["prompt"]})
    names = ["line_art", "high_contrast", "sepia"]
    wanted = {use.name: use.strength for use in state.mixer.balanced(dict.fromkeys(names, 1.0), per=per).uses}
    made = state.mixer.render(after)
    assert {one.name for one in made.record.adapters} == set(names)
    for one in made.record.adapters:
        then = wanted[one.name]
        assert one.strength.denoiser == pytest.approx(then.denoiser, abs=1e-3)
        assert {block: one.strength.blocks.get(block, 1.0) for block in then.blocks} == pytest.approx(
            dict(then.blocks), abs=1e-3
        )
    assert [told["name"] for told in found["told"]] == names
    assert all(told["before"] == [1, 1] for told in found["told"])
    assert all(told["after"][0] < 1 and told["after"][1] <= 1 for told in found["told"])
    if per == "mix":
        assert len({told["after"][0] for told in found["told"]}) == 1


def test_strips_of_regions_are_left_alone_by_balance(state: AppState) -> None:
    sent = document(line_art=1.0, high_contrast=1.0, sepia=1.0)
    sent["regions"] = [{"number": 1, "mask": [0, 0, 0.5, 1], "strips": [1]}]
    found = ask(state, "mix.balance", document=sent, per="mix")
    assert set(found["strips"]) == {"2", "3"}
    assert found["prompt"] is None


def test_a_surprise_stays_within_its_limits_and_goes_by_its_seed(state: AppState) -> None:
    first = ask(state, "mix.surprise", limits=LIMITS, seed=4, most=2)
    assert first == ask(state, "mix.surprise", limits=dict(reversed(LIMITS.items())), seed=4, most=2)
    for seed in range(20):
        drawn = ask(state, "mix.surprise", limits=LIMITS, seed=seed, most=2)
        assert 1 <= len(drawn) <= 2
        assert all(LIMITS[name][0] <= value <= LIMITS[name][1] for name, value in drawn.items())
    with pytest.raises(RequestError):
        ask(state, "mix.surprise", limits={}, seed=1, most=2)


def test_what_is_picked_is_kept_and_proposed_again(state: AppState) -> None:
    one, other = ask(state, "mix.propose", limits=LIMITS)
    best, _ = ask(state, "mix.propose", limits=LIMITS, picked=other, other=one)
    assert best == other
    assert (state.history.place("") / ".picks.jsonl").read_text().count("\n") == 1


def test_pictures_beside_the_desk_are_kept_as_their_kind_says(state: AppState) -> None:
    sent = document(line_art=1.0)
    before = len(state.history.search("", owner=""))
    assert ask(state, "side.render", kind="idle", document=sent)["url"].startswith("data:image/jpeg;base64,")
    assert len(state.history.search("", owner="")) == before
    made = ask(state, "side.render", kind="explore", document=sent)
    assert state.history.get(made["id"], owner="") is not None
    with pytest.raises(RequestError):
        ask(state, "side.render", kind="desk", document=sent)


def test_a_film_that_cannot_be_written_here_is_refused_before_its_pictures(
    state: AppState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    there = sorted(state.folder.iterdir())
    for ending, says in ((".mp4", "PyAV, which is not installed"), (".png", "no format of a film")):
        with pytest.raises(RequestError, match=says):
            ask(state, "film.begin", ending=ending)
    assert sorted(state.folder.iterdir()) == there


def test_a_film_is_its_frames_in_their_order_and_lies_among_the_runs(state: AppState) -> None:
    folder = ask(state, "film.begin", ending=".gif")
    ways = [weighted([Mix({"line_art": 1.0}), Mix({"sepia": 1.0})], share) for share in path(2, 3)]
    for frame, mix in enumerate(ways):
        sent = document(**{use.name: use.strength.denoiser for use in mix.uses})
        ask(state, "side.render", kind="film", document=sent, folder=folder, frame=frame)
    told = ask(state, "film.end", folder=folder, ending=".gif", fps=5)
    place = Path(unquote(told["url"].split("file=")[1]))
    place = place if place.is_absolute() else Path("/") / place
    with Image.open(state.folder / folder / told["name"]) as film:
        assert (film.n_frames, film.size, film.info["duration"]) == (3, (64, 64), 200)
    assert place.name == told["name"]
    record = read_picture(state.folder / folder / "0001.png").record
    assert record is not None
    assert {one.name: one.strength.denoiser for one in record.adapters} == {"line_art": 0.5, "sepia": 0.5}


@pytest.mark.parametrize(
    "wrong",
    [
        {"folder": "../../etc", "ending": ".gif"},
        {"folder": "0001-sheet", "ending": ".gif"},
        {"folder": "9999-film", "ending": ".gif"},
    ],
)
def test_a_film_of_no_folder_of_films_is_refused(state: AppState, wrong: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        ask(state, "film.end", **wrong)
    with pytest.raises(RequestError):
        ask(state, "side.render", kind="film", document=document(), frame=0, **wrong)
