"""What the train tab asks the server, over the panes' door."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PIL import Image
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Scope

from lora_mixer import Mixer
from lora_mixer.catalog import Library, load_models_file
from lora_mixer.trainer.apart import TrainingStatus, trainings
from lora_mixer.trainer.settings import TrainSettings
from lora_mixer_app.web.i18n import WORDS
from lora_mixer_app.web.panes.door import PanesDoor
from lora_mixer_app.web.panes.questions import Panes
from lora_mixer_app.web.panes.training import SHOWN
from lora_mixer_app.web.state import AppState

EMOJI = load_models_file().lora_folders[-1]


class Running:
    """A process that is started, and works for ever."""

    def poll(self) -> None:
        return None


@pytest.fixture
def panes(mixer: Mixer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Panes:
    monkeypatch.setattr(trainings, "_started", lambda _place: Running())
    known = Library([tmp_path / "mine", EMOJI], cache=tmp_path / "cache.sqlite")
    shared = SimpleNamespace(
        library=known, model_name=mixer.model_name, loaded_for=mixer.loaded_for, models_file=mixer.models_file
    )
    return Panes.over(AppState(cast("Any", shared), tmp_path / "out"))


def door_of(panes: Panes, *, near: bool = True) -> TestClient:
    def user(scope: Scope) -> str:
        return next((value.decode() for key, value in scope["headers"] if key == b"x-user"), "")

    app = PanesDoor(
        PlainTextResponse("the page"), panes=panes, user_of=user, must_log_in=False, is_near=lambda _scope: near
    )
    return TestClient(app, base_url="http://127.0.0.1")


def ask(door: TestClient, question: str, *, user: str = "", status: int = 200, **sent: Any) -> Any:
    answer = door.post(f"/panes/{question}", json=sent, headers={"x-user": user})
    assert answer.status_code == status, answer.text
    return answer.json()


def send(door: TestClient, training: str, name: str, data: bytes, *, user: str = "") -> Any:
    asked = {"training": training, "file": name}
    return door.put("/panes/training-picture", params=asked, content=data, headers={"x-user": user})


def png(colour: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(data, "PNG")
    return data.getvalue()


def test_pictures_and_captions_are_sent_shown_and_edited(panes: Panes) -> None:
    door = door_of(panes)
    ask(door, "training-make", name="My style")
    assert send(door, "My style", "a.png", png("red")).status_code == 200
    assert send(door, "My style", "a.txt", b"a red thing").status_code == 200
    assert send(door, "My style", "b.png", png("blue")).status_code == 200
    refused = send(door, "My style", "b.png", png("green"))
    assert refused.status_code == 400
    assert "stays" in refused.json()["error"]
    ask(door, "training-caption", name="My style", picture="b.png", text="a blue thing")
    shown = ask(door, "training", name="My style")["pictures"]
    assert [(one["file"], one["caption"], one["size"]) for one in shown] == [
        ("a.png", "a red thing", [64, 48]),
        ("b.png", "a blue thing", [64, 48]),
    ]
    small = door.get("/panes/training-picture", params={"training": "My style", "file": "b.png"})
    assert small.headers["content-type"] == "image/webp"
    for file in ("../training.json", "/etc/passwd", "c.png"):
        assert door.get("/panes/training-picture", params={"training": "My style", "file": file}).status_code == 404


def test_what_is_wrong_is_told_by_its_field_and_nothing_begins(panes: Panes, tmp_path: Path) -> None:
    door = door_of(panes)
    ask(door, "training-make", name="a")
    send(door, "a", "a.png", png("red"))
    wrong = ask(
        door,
        "training-begin",
        name="a",
        settings={"rank": 0, "steps": 10, "rate": None, "resolution": 7},
        model="nowhere",
        folder=str(tmp_path / "gone"),
    )["wrong"]
    assert wrong.keys() == {"rank", "resolution", "model", "folder"}
    assert ask(door, "training", name="a")["state"] == "new"
    assert ask(door, "training-begin", name="a", settings={"steps": 10}, model="emoji")["wrong"] == {}
    assert ask(door, "training", name="a")["state"] == "starting"
    error = ask(door, "training-begin", name="a", settings={"steps": 10}, status=400)["error"]
    assert "runs already" in error


def test_a_slider_begins_without_pictures_and_its_samples_are_painted_beside_others(panes: Panes) -> None:
    door = door_of(panes)
    ask(door, "training-make", name="weather")
    ends = {"positive": "sunny", "negative": "rainy", "subject": "house"}

    def begin(**settings: Any) -> dict[str, str]:
        return ask(door, "training-begin", name="weather", settings={"steps": 5, **settings})["wrong"]  # type: ignore[no-any-return]

    assert begin(slider=ends | {"negative": "sunny"}).keys() == {"slider"}
    assert begin(slider=ends | {"positive": ""}).keys() == {"slider"}
    assert "night_sky" in begin(slider=ends, sample="house", beside="night_skyy:1")["beside"]
    assert "'x' is no number" in begin(slider=ends, sample="house", beside="night_sky:x")["beside"]
    assert begin(slider=ends, beside="night_sky").keys() == {"beside"}
    assert begin(slider=ends, sample="house", beside="night_sky:0.7 + sepia, sepia") == {}
    shown = ask(door, "training", name="weather")
    assert shown["settings"]["slider"] == ends
    assert shown["settings"]["samples"]["beside"] == [{"night_sky": 0.7, "sepia": 1.0}, {"sepia": 1.0}]
    settings = TrainSettings().over(shown["settings"])
    assert settings.samples is not None
    assert settings.samples.strengths[0] == -1


def test_what_is_wrong_is_told_in_the_readers_language(panes: Panes) -> None:
    door = door_of(panes)
    ask(door, "training-make", name="a")
    sent = {"name": "a", "settings": {"rank": 0}, "folder": "/nowhere at all"}
    answer = door.post("/panes/training-begin", json=sent, headers={"accept-language": "zh-CN"})
    told = answer.json()["wrong"]
    assert told == {"rank": "rank 0 超出范围。请使用 1 到 1024。", "folder": "本机上没有这个文件夹"}


def test_a_deleted_training_comes_back_with_all_that_it_made(panes: Panes) -> None:
    door = door_of(panes)
    for _ in range(2):
        ask(door, "training-make", name="My style")
        place = panes.training.place("My style", "")
        place.output.write_bytes(b"made")
        number = ask(door, "training-throw-away", name="My style")["number"]
        assert ask(door, "trainings")["trainings"] == []
    ask(door, "training-make", name="My style")
    assert "already" in ask(door, "training-restore", number=number, status=400)["error"]
    for wrong in ("..", "1/My style", "9", ""):
        ask(door, "training-restore", number=wrong, status=400)
    ask(door, "training-throw-away", name="My style")
    assert ask(door, "training-restore", number=number)["name"] == "My style"
    assert place.output.read_bytes() == b"made"
    send(door, "My style", "a.png", png("red"))
    ask(door, "training-begin", name="My style", settings={"steps": 5})
    assert "Stop it first" in ask(door, "training-throw-away", name="My style", status=400)["error"]


def test_somebody_elsewhere_trains_after_a_login_only_and_sees_their_own(panes: Panes) -> None:
    near, far = door_of(panes), door_of(panes, near=False)
    ask(near, "training-make", name="mine")
    assert "login" in ask(far, "trainings", status=400)["error"]
    assert "login" in ask(far, "trainings", near=True, status=400)["error"]
    assert send(far, "mine", "a.png", png("red")).status_code == 400
    ask(far, "training-make", name="hers", user="ada")
    assert [row["name"] for row in ask(far, "trainings", user="ada")["trainings"]] == ["hers"]
    assert [row["name"] for row in ask(near, "trainings")["trainings"]] == ["mine"]
    ask(far, "training", name="mine", user="ada", status=400)
    wrong = ask(far, "training-begin", name="hers", user="ada", folder="/etc", settings={})["wrong"]
    assert "folder" in wrong


def test_a_finished_lora_goes_into_the_library_without_a_restart(panes: Panes, tmp_path: Path) -> None:
    door = door_of(panes)
    ask(door, "training-make", name="My style")
    assert "no LoRA yet" in ask(door, "training-to-desk", name="My style", status=404)["error"]
    place = panes.training.place("My style", "")
    place.output.write_bytes((EMOJI / "sepia.safetensors").read_bytes())
    TrainingStatus(state="finished", step=5, of=5).write(place)
    name = ask(door, "training-to-desk", name="My style")["name"]
    assert ask(door, "training-to-desk", name="My style")["name"] == name == "My style"
    assert name in {card["name"] for card in panes.state.library.listing(None)["loras"]}
    place.output.write_bytes((EMOJI / "pixel_art.safetensors").read_bytes())
    assert ask(door, "training-to-desk", name="My style")["name"] == "My style-2"
    got = door.get("/panes/training-lora", params={"training": "My style", "file": "x"})
    assert got.content == place.output.read_bytes()


def test_every_setting_of_the_tab_has_words_in_both_languages() -> None:
    keys = {word.key for word in WORDS}
    assert {f"train_{name}" for name in SHOWN} | {f"train_{name}_help" for name in SHOWN} <= keys
    assert all(word.english and word.chinese for word in WORDS)
