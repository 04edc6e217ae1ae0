"""The history of pictures: on disk, searchable, each owner's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from lora_mixer.errors import FileError
from lora_mixer.images import ModelRecord, RenderRecord, save_picture
from lora_mixer.request import Settings
from lora_mixer_app.ui.history import History


def record(prompt: str, seed: int) -> RenderRecord:
    settings = Settings(
        prompt=prompt,
        negative="",
        loras=(),
        seed=seed,
        steps=2,
        cfg=5,
        sampler="Euler",
        schedule="Automatic",
        width=8,
        height=8,
        clip_skip=1,
        model="emoji",
    )
    return RenderRecord(
        settings=settings,
        model=ModelRecord(name="emoji", sha256="0" * 64),
        engine="none",
        engine_reason="",
        batch_size=1,
        batch_index=0,
        device="cpu",
        dtype="float32",
        versions={},
        seconds=0.1,
    )


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "pictures", tmp_path / "history.sqlite")


def kept(history: History, tmp_path: Path, prompt: str, seed: int, owner: str = "") -> int:
    path = tmp_path / "pictures" / f"{seed}.png"
    made = record(prompt, seed)
    save_picture(Image.new("RGB", (8, 8)), made, path)
    return history.add(path, made, owner=owner).id


def seeds(found: tuple[object, ...]) -> list[int]:
    return [item.record.settings.seed for item in found]  # type: ignore[attr-defined]


def test_pictures_are_found_by_any_of_their_words_the_newest_first(history: History, tmp_path: Path) -> None:
    kept(history, tmp_path, "red heart", 1)
    kept(history, tmp_path, "红心 <lora:line_art:1>", 4711)
    kept(history, tmp_path, "100% red", 3)
    assert seeds(history.search()) == [3, 4711, 1]
    assert seeds(history.search("red")) == [3, 1]
    assert seeds(history.search("红心 line_art")) == [4711]
    assert seeds(history.search("100% re")) == [3]
    assert seeds(history.search("r_d")) == []
    assert seeds(history.search("seed: 4711")) == [4711]


def test_pinned_pictures_come_first(history: History, tmp_path: Path) -> None:
    first = kept(history, tmp_path, "a", 1)
    kept(history, tmp_path, "b", 2)
    history.pin(first, pinned=True)
    assert seeds(history.search()) == [1, 2]
    history.pin(first, pinned=False)
    assert seeds(history.search()) == [2, 1]


def test_a_deleted_picture_is_gone_with_its_file(history: History, tmp_path: Path) -> None:
    key = kept(history, tmp_path, "a", 1)
    history.delete(key)
    assert history.search() == ()
    assert history.get(key) is None
    assert list((tmp_path / "pictures").iterdir()) == []
    history.delete(key)


def test_an_owner_sees_and_deletes_only_what_is_theirs(history: History, tmp_path: Path) -> None:
    mine = kept(history, tmp_path, "a", 1, owner="ann")
    kept(history, tmp_path, "b", 2, owner="bob")
    assert seeds(history.search(owner="bob")) == [2]
    history.delete(mine, owner="bob")
    history.pin(mine, pinned=True, owner="bob")
    assert [item.pinned for item in history.search(owner="ann")] == [False]


def test_the_history_outlives_the_program_and_comes_back_from_the_pictures(history: History, tmp_path: Path) -> None:
    kept(history, tmp_path, "a", 1)
    assert seeds(History(tmp_path / "pictures", tmp_path / "history.sqlite").search()) == [1]
    (tmp_path / "history.sqlite").unlink()
    (tmp_path / "pictures" / "not ours.png").write_bytes(b"no picture")
    again = History(tmp_path / "pictures", tmp_path / "history.sqlite").search()
    assert [replace(item.record, seconds=0.1) for item in again] == [record("a", 1)]


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "history.sqlite").write_bytes(b"no database at all, only words" * 40)
    with pytest.raises(FileError, match="made anew"):
        History(tmp_path / "pictures", tmp_path / "history.sqlite")
