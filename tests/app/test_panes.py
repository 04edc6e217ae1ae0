"""What the library and picture panes ask the server, over their own door."""

from __future__ import annotations

import io
import json
import shutil
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
from lora_mixer_app.serving import importing
from lora_mixer_app.web.panes import Panes, PanesDoor
from lora_mixer_app.web.panes import library as library_pane
from lora_mixer_app.web.state import AppState
from tests.browser.conftest import write_strange_loras

EMOJI = load_models_file().lora_folders[-1]


@pytest.fixture
def loras(tmp_path: Path) -> Path:
    """A folder with a sound LoRA, one of another family and one cut short."""
    folder = tmp_path / "mine"
    write_strange_loras(folder)
    (folder / "half.safetensors").write_bytes((EMOJI / "sepia.safetensors").read_bytes()[:2000])
    return folder


@pytest.fixture
def panes(mixer: Mixer, loras: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Panes:
    monkeypatch.setattr(library_pane, "SECONDS_BETWEEN_LOOKS", 0.0)
    monkeypatch.setattr(library_pane, "SHARE_OF_LOOKING", 1e9)
    known = Library([loras, EMOJI], cache=tmp_path / "cache.sqlite")
    shared = SimpleNamespace(library=known, model_name=mixer.model_name, loaded_for=mixer.loaded_for)
    return Panes.over(AppState(cast("Any", shared), tmp_path / "out"))


@pytest.fixture
def door(panes: Panes) -> TestClient:
    def user(scope: Scope) -> str:
        return next((value.decode() for key, value in scope["headers"] if key == b"x-user"), "")

    app = PanesDoor(
        PlainTextResponse("the page"), panes=panes, user_of=user, must_log_in=False, is_near=lambda _scope: True
    )
    return TestClient(app, base_url="http://127.0.0.1")


def ask(door: TestClient, question: str, *, user: str = "", **sent: Any) -> Any:
    answer = door.post(f"/panes/{question}", json=sent, headers={"x-user": user})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_every_lora_has_a_card_the_unfit_their_reason_and_the_broken_their_error(door: TestClient) -> None:
    told = ask(door, "library")
    cards = {card["name"]: card for card in told["loras"]}
    assert {"strange", "large", "sepia", "line_art"} <= cards.keys()
    assert "made for" in cards["large"]["unfit"]
    assert cards["line_art"]["unfit"] is None
    assert cards["line_art"]["words"] == ["line art"]
    assert (cards["line_art"]["base"], cards["line_art"]["strength"]) == ("emoji", 1.0)
    (broken,) = told["broken"]
    assert broken["file"] == "half.safetensors"
    assert "truncated" in broken["reason"] or "short" in broken["reason"] or "ends" in broken["reason"]
    assert not told["pending"]


def test_a_card_carries_its_sidecars_range_and_the_details_everything(door: TestClient, loras: Path) -> None:
    shutil.copy(EMOJI / "sepia.safetensors", loras / "brown.safetensors")
    notes = {"usage_tips": json.dumps({"strength": 0.6, "strength_min": -0.5, "strength_max": 1.5})}
    (loras / "brown.metadata.json").write_text(
        json.dumps(notes | {"civitai": {"modelId": 7, "description": "<p>b</p>"}})
    )
    card = next(card for card in ask(door, "library")["loras"] if card["name"] == "brown")
    assert (card["strength"], card["range"], card["description"]) == (0.6, [-0.5, 1.5], "b")
    details = ask(door, "lora", name="brown")
    assert details["page"] == "https://civitai.com/models/7"
    assert details["license"] == "Apache-2.0"


def test_a_new_file_appears_without_a_restart_and_a_mended_one_is_no_longer_broken(
    door: TestClient, loras: Path
) -> None:
    before = {card["name"] for card in ask(door, "library")["loras"]}
    (loras / "below").mkdir()
    shutil.copy(EMOJI / "sepia.safetensors", loras / "below" / "new.safetensors")
    shutil.copy(EMOJI / "sepia.safetensors", loras / "half.safetensors")
    after = ask(door, "library")
    assert {card["name"] for card in after["loras"]} - before == {"new", "half"}
    assert after["broken"] == []
    assert "mine/below" in after["folders"]


def test_headers_that_take_long_are_read_over_several_answers(
    door: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_pane, "SECONDS_OF_READING", -1.0)
    told = ask(door, "library")
    assert told["pending"]
    assert {card["unfit"] for card in told["loras"]} == {None}
    monkeypatch.undo()
    assert not ask(door, "library")["pending"]


def test_favourites_are_each_persons_own_and_outlive_the_server(door: TestClient, panes: Panes) -> None:
    ask(door, "like", name="line_art", on=True, user="ann")

    def liked(user: str) -> list[str]:
        return [card["name"] for card in ask(door, "library", user=user)["loras"] if card["favourite"]]

    assert (liked("ann"), liked("bob"), liked("")) == (["line_art"], [], [])
    again = Panes.over(panes.state)
    told = again.library.listing(None, owner="ann")["loras"]
    assert [card["name"] for card in told if card["favourite"]] == ["line_art"]
    ask(door, "like", name="line_art", on=False, user="ann")
    assert liked("ann") == []


def test_a_dropped_lora_goes_where_it_was_told_and_never_over_another(door: TestClient, loras: Path) -> None:
    data = (EMOJI / "sepia.safetensors").read_bytes()
    assert ask(door, "library")["takes"] == ["mine"]

    def drop(name: str, data: bytes, folder: str = "mine") -> Any:
        return door.put("/panes/lora", params={"folder": folder, "name": name}, content=data)

    assert drop("mine.safetensors", data).json() == {"name": "mine"}
    assert (loras / "mine.safetensors").read_bytes() == data
    refused = {
        "there is a file of that name already": drop("mine.safetensors", b"x" + data),
        "no such folder": drop("other.safetensors", data, folder="../.."),
        "under that name": drop("../other.safetensors", data),
        "other.safetensors": drop("other.safetensors", data[:-5]),
        "pickle": drop("pickled.safetensors", b"\x80\x02}q\x00." * 20),
    }
    for text, answer in refused.items():
        assert answer.status_code == 400, text
        assert text in answer.json()["error"]
        assert ".part" not in answer.json()["error"]
    assert (loras / "mine.safetensors").read_bytes() == data
    assert sorted(path.name for path in loras.iterdir()) == sorted(
        ["half.safetensors", "large.safetensors", "mine.safetensors", "strange.json", "strange.safetensors"]
    )


def test_a_file_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    import asyncio

    async def pieces():  # type: ignore[no-untyped-def]
        yield b"half"

    with pytest.raises(Exception, match="did not come whole"):
        asyncio.run(importing.take_file(tmp_path, "a.safetensors", 100, pieces(), check=lambda _path: None))
    assert list(tmp_path.iterdir()) == []


def test_only_who_sits_here_or_is_logged_in_adds_files(panes: Panes) -> None:
    for must, near, user, status in (
        (False, False, "", 403),
        (False, False, "ann", 400),
        (True, True, "", 401),
        (True, False, "ann", 400),
    ):
        app = PanesDoor(
            PlainTextResponse("the page"),
            panes=panes,
            user_of=lambda _scope, user=user: user,
            must_log_in=must,
            is_near=lambda _scope, near=near: near,
        )
        client = TestClient(app, base_url="http://127.0.0.1")
        assert client.put("/panes/lora?folder=mine&name=a.safetensors", content=b"x").status_code == status
        assert client.get("/elsewhere").text == "the page"


def png(colour: str = "red", size: tuple[int, int] = (8, 4)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def test_a_sent_picture_is_kept_by_its_digest_for_its_sender_only(door: TestClient, panes: Panes) -> None:
    sent = door.put("/panes/input", content=png(), headers={"x-user": "ann"}).json()
    assert (sent["width"], sent["height"]) == (8, 4)
    assert door.put("/panes/input", content=png(), headers={"x-user": "ann"}).json() == sent
    back = door.get("/panes/input", params={"id": sent["id"]}, headers={"x-user": "ann"})
    assert (back.content, back.headers["content-type"]) == (png(), "image/png")
    assert door.get("/panes/input", params={"id": sent["id"]}, headers={"x-user": "bob"}).status_code == 404
    assert door.get("/panes/input", params={"id": "../../history.sqlite"}).status_code == 404
    assert door.put("/panes/input", content=b"no picture").status_code == 400
    assert panes.inputs.path(sent["id"], owner="ann").read_bytes() == png()


def test_a_picture_is_thrown_away_and_comes_back(door: TestClient, panes: Panes, mixer: Mixer) -> None:
    state = panes.state
    first, second = (state.keep(mixer.render("cat", steps=1, seed=seed), owner="ann") for seed in (1, 2))
    listed = ask(door, "pictures", most=10, user="ann")
    assert [card["id"] for card in listed] == [second.id, first.id]
    assert "Seed: 2" in ask(door, "picture", id=second.id, user="ann")["infotext"]
    ask(door, "throw-away", id=second.id, user="ann")
    assert [card["id"] for card in ask(door, "pictures", most=10, user="ann")] == [first.id]
    assert [card["id"] for card in ask(door, "bin", user="ann")] == [second.id]
    assert door.post("/panes/throw-away", json={"id": first.id}, headers={"x-user": "bob"}).status_code == 404
    assert ask(door, "restore", id=second.id, user="ann")["id"] == second.id
    assert [card["id"] for card in ask(door, "pictures", most=10, user="ann")] == [second.id, first.id]
    assert ask(door, "pin", id=first.id, on=True, user="ann")["pinned"]


@pytest.mark.parametrize("body", [b"[", b"[]", b'{"id": "1"}', b'{"id": true}', b"\xff", b"[" * 50_000])
def test_a_question_that_makes_no_sense_is_refused(door: TestClient, body: bytes) -> None:
    answer = door.post("/panes/picture", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "error" in answer.json()


def test_previews_are_small_pictures(door: TestClient) -> None:
    answer = door.get("/panes/preview", params={"name": "line_art"})
    assert answer.headers["content-type"] == "image/webp"
    assert door.get("/panes/preview", params={"name": "nobody"}).status_code == 400
