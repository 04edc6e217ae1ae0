"""The history of pictures: on disk, searchable, each owner's own."""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from lora_mixer import Mixer
from lora_mixer.errors import FileError
from lora_mixer.images import AdapterRecord, RenderRecord, save_picture
from lora_mixer.mixes import Strength
from lora_mixer_app.serving.history import DAYS_IN_BIN, VERSION, History
from lora_mixer_app.serving.history_query import Query
from lora_mixer_app.web.state import AppState
from tests.support.records import made_up_record, made_up_settings

BINNED = Query(binned=True)


def record(prompt: str, seed: int) -> RenderRecord:
    settings = made_up_settings(prompt, seed=seed, steps=2, cfg=5, schedule="Automatic", width=8, height=8)
    return made_up_record(settings)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "pictures", tmp_path / "history.sqlite")


def kept(
    history: History,
    tmp_path: Path,
    prompt: str,
    seed: int,
    owner: str = "",
    loras: tuple[str, ...] = (),
    model: str = "emoji",
) -> int:
    path = history.place(owner) / f"{seed}.png"
    acted = tuple(
        AdapterRecord(name=n, file=n, sha256="1" * 64, autov3="", strength=Strength(1.0), kind="lora", modules=1)
        for n in loras
    )
    made = record(prompt, seed)
    made = replace(made, adapters=acted, model=replace(made.model, name=model))
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


def test_what_is_thrown_away_is_in_the_bin_and_comes_back_as_it_was(history: History, tmp_path: Path) -> None:
    key = kept(history, tmp_path, "a", 1, owner="ann")
    history.pin(key, pinned=True, owner="ann")
    kept(history, tmp_path, "b", 2, owner="ann")
    assert history.throw_away(key, owner="bob") is None
    thrown = history.throw_away(key, owner="ann")
    assert thrown is not None
    assert thrown.path.exists()
    assert (seeds(history.search(owner="ann")), seeds(history.find(BINNED, owner="ann").pictures)) == ([2], [1])
    again = History(tmp_path / "pictures", tmp_path / "history.sqlite")
    assert (seeds(again.search(owner="ann")), seeds(again.find(BINNED, owner="ann").pictures)) == ([2], [1])
    assert again.throw_away(key, owner="ann") == thrown
    back = again.restore(key, owner="ann")
    assert back is not None
    assert back.path == tmp_path / "pictures" / "@ann" / "1.png"
    assert [(k.record.settings.seed, k.pinned) for k in again.search(owner="ann")] == [(1, True), (2, False)]
    (tmp_path / "history.sqlite").unlink()
    assert [k.pinned for k in History(tmp_path / "pictures", tmp_path / "history.sqlite").search(owner="ann")] == [
        True,
        False,
    ]


def test_the_bin_is_told_from_the_files_and_emptied_after_a_month(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed, owner in ((1, ""), (2, ".bin")):
        history.throw_away(kept(history, tmp_path, "a", seed, owner=owner), owner=owner)
    kept(history, tmp_path, "b", 3, owner=".bin")
    (tmp_path / "history.sqlite").unlink()
    again = History(tmp_path / "pictures", tmp_path / "history.sqlite")
    assert (seeds(again.search(owner=".bin")), seeds(again.find(BINNED, owner=".bin").pictures)) == ([3], [2])
    assert (seeds(again.search()), seeds(again.find(BINNED).pictures)) == ([], [1])
    later = time.time() + (DAYS_IN_BIN + 1) * 24 * 3600
    monkeypatch.setattr("lora_mixer_app.serving.history.time.time", lambda: later)
    much_later = History(tmp_path / "pictures", tmp_path / "history.sqlite")
    assert (seeds(much_later.search(owner=".bin")), seeds(much_later.find(BINNED, owner=".bin").pictures)) == ([3], [])


def test_the_history_is_paged_and_filtered_by_lora_model_and_favourites(history: History, tmp_path: Path) -> None:
    for seed in range(1, 8):
        kept(history, tmp_path, "a", seed, loras=("ink",) if seed % 2 else ("ink_2", "a%"), model="m" + str(seed % 3))
    history.pin(history.search()[0].id, pinned=True)
    page = history.find(Query(), start=5, limit=5)
    assert (seeds(page.pictures), page.total) == ([2, 1], 7)
    assert seeds(history.find(Query(lora="ink")).pictures) == [7, 5, 3, 1], "a name within another is not found"
    assert seeds(history.find(Query(lora="a%", model="m0")).pictures) == [6]
    assert seeds(history.find(Query(pinned=True)).pictures) == [7]
    assert history.facets() == ({"ink": 4, "ink_2": 3, "a%": 3}, {"m1": 3, "m2": 2, "m0": 2})


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
    made = record("a", 1)
    assert [replace(item.record, seconds=made.seconds) for item in again] == [made]


def test_a_picture_whose_line_a_kill_cost_is_back_after_a_restart(history: History, tmp_path: Path) -> None:
    kept(history, tmp_path, "a", 1)
    for owner, seed in (("", 2), ("ann", 3)):
        save_picture(Image.new("RGB", (8, 8)), record("killed", seed), history.place(owner) / f"{seed}.png")
    (tmp_path / "pictures" / "gone.png").write_bytes(b"")
    again = History(tmp_path / "pictures", tmp_path / "history.sqlite")
    assert seeds(again.search()) == [2, 1]
    assert seeds(again.search(owner="ann")) == [3]
    assert again.said == ()


def test_a_line_whose_picture_is_gone_goes_too(history: History, tmp_path: Path) -> None:
    kept(history, tmp_path, "a", 1)
    kept(history, tmp_path, "b", 2)
    (tmp_path / "pictures" / "1.png").unlink()
    assert seeds(History(tmp_path / "pictures", tmp_path / "history.sqlite").search()) == [2]


@pytest.mark.parametrize("loss", ["deleted", "words", "torn", "another table", "folder", "row"])
def test_owners_and_pins_survive_whatever_happens_to_the_database(history: History, tmp_path: Path, loss: str) -> None:
    for owner, seed in (("", 1), ("ann", 2), ("ann", 3), ("bob/..", 4)):
        kept(history, tmp_path, "a", seed, owner=owner)
    for owner in ("", "ann"):
        history.pin(history.search(owner=owner)[-1].id, pinned=True, owner=owner)
    database = tmp_path / "history.sqlite"
    damage(database, loss)
    again = History(tmp_path / "pictures", database)
    found = {
        owner: [(k.record.settings.seed, k.pinned) for k in again.search(owner=owner)]
        for owner in ("", "ann", "bob/..")
    }
    assert found == {"": [(1, True)], "ann": [(2, True), (3, False)], "bob/..": [(4, False)]}
    aside = list(tmp_path.glob("history.damaged-1.sqlite"))
    if loss in {"deleted", "row"}:
        assert (aside, again.said) == ([], ())
    else:
        assert len(aside) == 1
        assert "kept as history.damaged-1.sqlite" in again.said[0]
        assert again.said[1].startswith("4 pictures")


def damage(database: Path, how: str) -> None:
    whole = database.read_bytes()
    if how == "row":
        with sqlite3.connect(database) as db:
            db.execute("DELETE FROM pictures WHERE owner = 'ann'")
        return
    database.unlink()
    if how == "words":
        database.write_bytes(b"no database at all, only words" * 40)
    elif how == "torn":
        database.write_bytes(whole[:5000] + bytes(len(whole) - 5000))
    elif how == "folder":
        database.mkdir()
    elif how == "another table":
        with sqlite3.connect(database) as db:
            db.execute("CREATE TABLE pictures (id INTEGER PRIMARY KEY, file TEXT)")
            db.execute(f"PRAGMA user_version = {VERSION}")


def test_pictures_of_people_that_older_versions_kept_among_nobodys_move_to_their_owners_place(
    history: History, tmp_path: Path
) -> None:
    kept(history, tmp_path, "a", 1)
    with sqlite3.connect(tmp_path / "history.sqlite") as db:  # the table of version 1
        db.executescript(
            "CREATE TABLE old AS SELECT id, file, 'ann' AS owner, 1 AS pinned, record, words FROM pictures;"
            "DROP TABLE pictures; ALTER TABLE old RENAME TO pictures; PRAGMA user_version = 1;"
        )
    again = History(tmp_path / "pictures", tmp_path / "history.sqlite")
    assert [item.path for item in again.search(owner="ann")] == [tmp_path / "pictures" / "@ann" / "1.png"]
    assert again.search(owner="ann")[0].path.exists()
    (tmp_path / "history.sqlite").unlink()
    assert [
        item.pinned for item in History(tmp_path / "pictures", tmp_path / "history.sqlite").search(owner="ann")
    ] == [True]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_only_its_owner_reads_the_history(history: History, tmp_path: Path) -> None:
    database = tmp_path / "history.sqlite"
    assert database.stat().st_mode & 0o777 == 0o600
    database.chmod(0o644)
    History(tmp_path / "pictures", database)
    assert database.stat().st_mode & 0o777 == 0o600


def test_a_history_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "a file").write_bytes(b"")
    with pytest.raises(FileError, match="cannot be used"):
        History(tmp_path / "pictures", tmp_path / "a file" / "history.sqlite")


def test_deleting_a_picture_deletes_its_thumbnail(mixer: Mixer, tmp_path: Path) -> None:
    state = AppState(mixer, tmp_path)
    for owner in ("", "ann"):
        made = state.keep(mixer.render("cat", steps=1), owner=owner)
        state.thumbs.of(made.path, name=made.path.name, owner=owner)
        other = state.thumbs.of(None, name="a LoRA")
        assert len(list((tmp_path / "thumbs").rglob("*.webp"))) == 2
        state.discard(made, owner=owner)
        assert list((tmp_path / "thumbs").rglob("*.webp")) == [other]
        assert list((tmp_path / "pictures").rglob("*.png")) == []
