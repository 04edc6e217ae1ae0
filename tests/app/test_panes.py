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
from lora_mixer.errors import MissingFileError, RequestError
from lora_mixer.mixer import inputs_beside, rerender
from lora_mixer_app.serving import importing
from lora_mixer_app.serving.favourites import Favourites
from lora_mixer_app.web.desk.asked import asked_request
from lora_mixer_app.web.desk.functions import QUESTIONS
from lora_mixer_app.web.panes import library as library_pane
from lora_mixer_app.web.panes.door import PanesDoor
from lora_mixer_app.web.panes.library import LibraryPane
from lora_mixer_app.web.panes.questions import Panes
from lora_mixer_app.web.state import AppState
from tests.browser.conftest import write_strange_loras
from tests.support.people import person

EMOJI = load_models_file().lora_folders[-1]


@pytest.fixture
def loras(tmp_path: Path) -> Path:
    """A folder with a sound LoRA, one of another family and one cut short."""
    folder = tmp_path / "mine"
    write_strange_loras(folder)
    (folder / "half.safetensors").write_bytes((EMOJI / "sepia.safetensors").read_bytes()[:2000])
    return folder


@pytest.fixture
def state(mixer: Mixer, loras: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppState:
    monkeypatch.setattr(library_pane, "SECONDS_BETWEEN_LOOKS", 0.0)
    monkeypatch.setattr(library_pane, "SHARE_OF_LOOKING", 1e9)
    known = Library([loras, EMOJI], cache=tmp_path / "cache.sqlite")
    shared = SimpleNamespace(
        library=known, model_name=mixer.model_name, loaded_for=mixer.loaded_for, models_file=mixer.models_file
    )
    return AppState(cast("Any", shared), tmp_path / "out")


@pytest.fixture
def door(state: AppState) -> TestClient:
    def user(scope: Scope) -> str:
        return next((value.decode() for key, value in scope["headers"] if key == b"x-user"), "")

    app = PanesDoor(
        PlainTextResponse("the page"),
        panes=Panes.over(state),
        user_of=user,
        must_log_in=False,
        is_near=lambda _scope: True,
    )
    return TestClient(app, base_url="http://127.0.0.1")


def ask(state: AppState, question: str, *, user: str = "", **sent: Any) -> Any:
    return json.loads(json.dumps(QUESTIONS[question](state, person("a tab", name=user or None), sent)))


def test_every_lora_has_a_card_the_unfit_their_reason_and_the_broken_their_error(state: AppState) -> None:
    told = ask(state, "library.list")
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


def test_a_card_carries_its_sidecars_range_and_the_details_everything(state: AppState, loras: Path) -> None:
    shutil.copy(EMOJI / "sepia.safetensors", loras / "brown.safetensors")
    notes = {"usage_tips": json.dumps({"strength": 0.6, "strength_min": -0.5, "strength_max": 1.5})}
    (loras / "brown.metadata.json").write_text(
        json.dumps(notes | {"civitai": {"modelId": 7, "description": "<p>b</p>"}})
    )
    card = next(card for card in ask(state, "library.list")["loras"] if card["name"] == "brown")
    assert (card["strength"], card["range"], card["description"]) == (0.6, [-0.5, 1.5], "b")
    details = ask(state, "library.details", name="brown")
    assert details["page"] == "https://civitai.com/models/7"
    assert details["license"] == "Apache-2.0"


def test_a_new_file_appears_without_a_restart_and_a_mended_one_is_no_longer_broken(
    state: AppState, loras: Path
) -> None:
    before = {card["name"] for card in ask(state, "library.list")["loras"]}
    (loras / "below").mkdir()
    shutil.copy(EMOJI / "sepia.safetensors", loras / "below" / "new.safetensors")
    shutil.copy(EMOJI / "sepia.safetensors", loras / "half.safetensors")
    after = ask(state, "library.list")
    assert {card["name"] for card in after["loras"]} - before == {"new", "half"}
    assert after["broken"] == []
    assert "mine/below" in after["folders"]


def test_headers_that_take_long_are_read_over_several_answers(state: AppState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_pane, "SECONDS_OF_READING", -1.0)
    told = ask(state, "library.list")
    assert told["pending"]
    assert {card["unfit"] for card in told["loras"]} == {None}
    monkeypatch.undo()
    assert not ask(state, "library.list")["pending"]


def test_favourites_are_each_persons_own_and_outlive_the_server(state: AppState) -> None:
    ask(state, "library.like", name="line_art", on=True, user="ann")

    def liked(user: str) -> list[str]:
        return [card["name"] for card in ask(state, "library.list", user=user)["loras"] if card["favourite"]]

    assert (liked("ann"), liked("bob"), liked("")) == (["line_art"], [], [])
    again = LibraryPane(state.loras, Favourites(state.thumbs.folder.parent / "favourites"))
    told = again.listing(None, owner="ann")["loras"]
    assert [card["name"] for card in told if card["favourite"]] == ["line_art"]
    ask(state, "library.like", name="line_art", on=False, user="ann")
    assert liked("ann") == []


def test_a_dropped_lora_goes_where_it_was_told_and_never_over_another(
    door: TestClient, state: AppState, loras: Path
) -> None:
    data = (EMOJI / "sepia.safetensors").read_bytes()
    assert ask(state, "library.list")["takes"] == ["mine"]

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


def test_only_who_sits_here_or_is_logged_in_adds_files(state: AppState) -> None:
    for must, near, user, status in (
        (False, False, "", 403),
        (False, False, "ann", 400),
        (True, True, "", 401),
        (True, False, "ann", 400),
    ):
        app = PanesDoor(
            PlainTextResponse("the page"),
            panes=Panes.over(state),
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


def test_a_sent_picture_is_kept_by_its_digest_for_its_sender_only(door: TestClient, state: AppState) -> None:
    sent = door.put("/panes/input", content=png(), headers={"x-user": "ann"}).json()
    assert (sent["width"], sent["height"]) == (8, 4)
    assert door.put("/panes/input", content=png(), headers={"x-user": "ann"}).json() == sent
    back = door.get("/panes/input", params={"id": sent["id"]}, headers={"x-user": "ann"})
    assert (back.content, back.headers["content-type"]) == (png(), "image/png")
    assert door.get("/panes/input", params={"id": sent["id"]}, headers={"x-user": "bob"}).status_code == 404
    assert door.get("/panes/input", params={"id": "../../history.sqlite"}).status_code == 404
    assert door.put("/panes/input", content=b"no picture").status_code == 400
    assert state.inputs.path(sent["id"], owner="ann").read_bytes() == png()


def test_a_picture_is_thrown_away_and_comes_back(state: AppState, mixer: Mixer) -> None:
    first, second = (state.keep(mixer.render("cat", steps=1, seed=seed), owner="ann") for seed in (1, 2))

    def listed() -> list[int]:
        return [card["id"] for card in ask(state, "pictures.list", user="ann")]

    assert listed() == [second.id, first.id]
    ask(state, "pictures.delete", id=second.id, user="ann")
    assert (listed(), state.history.in_bin(owner="ann")) == ([first.id], (second.id,))
    with pytest.raises(RequestError):
        ask(state, "pictures.delete", id=first.id, user="bob")
    assert ask(state, "pictures.restore", id=second.id, user="ann")["id"] == second.id
    assert listed() == [second.id, first.id]


def test_a_listing_that_did_not_change_is_not_sent_again(state: AppState, loras: Path) -> None:
    told = ask(state, "library.list")
    assert ask(state, "library.list", known=told["stamp"]) == {"stamp": told["stamp"], "same": True}
    shutil.copy(EMOJI / "sepia.safetensors", loras / "new.safetensors")
    assert len(ask(state, "library.list", known=told["stamp"])["loras"]) == len(told["loras"]) + 1
    ask(state, "library.like", name="new", on=True)
    assert ask(state, "library.list", known=told["stamp"], model="nobody's")["loras"][0]["unfit"] is None


def drawn(mixer: Mixer, state: AppState, document: dict[str, Any]) -> Any:
    asked = asked_request(state, person("a tab", name="ann"), document)
    return state.keep(mixer.render(asked), owner="ann")


def test_a_picture_that_starts_from_another_is_drawn_again_from_the_history(state: AppState, mixer: Mixer) -> None:
    init = state.inputs.take(png("orange", (64, 64)), owner="ann")
    half = Image.new("L", (64, 64))
    half.paste(255, (0, 0, 32, 64))
    out = io.BytesIO()
    half.save(out, "PNG")
    mask = state.inputs.take(out.getvalue(), owner="ann")
    strip = {"number": 1, "name": "line_art", "strength": 0.8, "mask": {"id": mask.id}}
    document = {
        "prompt": "cat",
        "strips": [strip],
        "settings": {"steps": 2, "seed": 7, "width": 64, "height": 64, "denoise": 0.5, "mask_blur": 2},
        "start": {"init": init._asdict(), "mask": {"id": mask.id}},
    }
    kept = drawn(mixer, state, document)
    settings = kept.record.settings
    assert (settings.denoise, settings.mask_blur, settings.init.sha256) == (0.5, 2, init.id)
    assert str(state.thumbs.folder.parent) not in kept.record.to_json()
    for path in (state.inputs.folder / "@ann").iterdir():
        path.unlink()
    again = ask(state, "pictures.document", id=kept.id, user="ann")
    assert (again["start"]["init"]["id"], again["start"]["mask"]["id"]) == (init.id, mask.id)
    assert [len(strip["mask"]["id"]) for strip in again["strips"]] == [64]
    twice = drawn(mixer, state, document | again)
    assert Image.open(twice.path).tobytes() == Image.open(kept.path).tobytes()
    files = inputs_beside(kept.record, kept.path)
    assert len(files) == 2
    assert rerender(mixer, kept.record, files=files).image.tobytes() == Image.open(kept.path).tobytes()


def test_an_input_picture_that_is_gone_is_said_and_nothing_is_drawn(state: AppState) -> None:
    document = {"prompt": "cat", "settings": {"steps": 1}, "start": {"init": {"id": "0" * 64}}}
    with pytest.raises(MissingFileError, match="not here any more"):
        asked_request(state, person("a tab"), document)


def test_previews_are_small_pictures(door: TestClient) -> None:
    answer = door.get("/panes/preview", params={"name": "line_art"})
    assert answer.headers["content-type"] == "image/webp"
    assert door.get("/panes/preview", params={"name": "nobody"}).status_code == 400
