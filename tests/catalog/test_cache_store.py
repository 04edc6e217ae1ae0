"""The cache is only a shortcut: without it, or with a damaged one, everything works the same."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from lora_mixer.catalog import Library, facts
from lora_mixer.catalog.store import VERSION, default_cache


@pytest.fixture
def loras(save_lora) -> Path:
    return save_lora("a.safetensors", {"ss_output_name": "alias"}).parent


def works(library: Library) -> bool:
    entry = library.find("alias")
    return entry.name == "a" and entry.digests.sha256 == entry.digests.sha256 and len(library.entries) == 1


def test_the_cache_lies_where_the_variables_say(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("LORA_MIXER_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "lora-mixer" / "library.sqlite"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache() == Path.home() / ".cache" / "lora-mixer" / "library.sqlite"
    monkeypatch.setenv("LORA_MIXER_CACHE", str(tmp_path))
    assert default_cache() == tmp_path / "library.sqlite"


@pytest.mark.parametrize(("platform", "part"), [("darwin", "Library/Caches"), ("win32", "AppData/Local")])
def test_other_systems_have_their_own_cache_folder(monkeypatch, platform, part):
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    assert part in str(default_cache())


def test_a_library_uses_the_users_cache_folder_by_default(loras, monkeypatch, tmp_path):
    monkeypatch.setenv("LORA_MIXER_CACHE", str(tmp_path / "deep" / "cache"))
    assert works(Library([loras]))
    assert (tmp_path / "deep" / "cache" / "library.sqlite").is_file()


def test_without_a_home_it_works_from_memory(loras, monkeypatch):
    def no_home(_: Path) -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "expanduser", lambda self: no_home(self) if str(self).startswith("~") else self)
    assert default_cache() is None
    assert works(Library([loras]))


@pytest.mark.parametrize("place", ["file/below/cache.sqlite", "folder", "a\0b"])
def test_where_no_cache_can_be_written_it_works_from_memory(loras, tmp_path, place):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    assert works(Library([loras], cache=tmp_path / place))


def test_a_read_only_cache_is_no_obstacle(loras, tmp_path, monkeypatch):
    def refused(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(sqlite3, "connect", refused)
    assert works(Library([loras], cache=tmp_path / "c.sqlite"))


def test_a_locked_cache_is_no_obstacle(loras, tmp_path, monkeypatch):
    monkeypatch.setattr("lora_mixer.catalog.store._SECONDS_TO_WAIT", 0.01)
    cache = tmp_path / "c.sqlite"
    assert works(Library([loras], cache=cache))
    with closing(sqlite3.connect(cache, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert works(Library([loras], cache=cache))


@pytest.mark.parametrize("content", [b"not a database, but long enough to be taken for one" * 40, b"\0" * 4096])
def test_a_damaged_cache_is_set_aside_and_made_anew(loras, tmp_path, content):
    cache = tmp_path / "c.sqlite"
    cache.write_bytes(content)
    assert works(Library([loras], cache=cache))
    assert works(Library([loras], cache=cache))
    assert (tmp_path / "c.sqlite.damaged").read_bytes() == content


@pytest.mark.parametrize("row", ["'{'", "'{}'", "'[]'", "7", "NULL"])
def test_a_damaged_row_is_set_aside_with_its_cache(loras, tmp_path, row):
    cache = tmp_path / "c.sqlite"
    Library([loras], cache=cache)
    with closing(sqlite3.connect(cache)) as db, db:
        db.execute(f"UPDATE facts SET facts = {row}")
    assert works(Library([loras], cache=cache))


def test_a_cache_of_another_version_is_emptied(loras, tmp_path, monkeypatch):
    cache = tmp_path / "c.sqlite"
    Library([loras], cache=cache)
    with closing(sqlite3.connect(cache)) as db, db:
        db.execute("UPDATE facts SET facts = 'old'")
        db.execute("PRAGMA user_version = 77")
    assert works(Library([loras], cache=cache))
    with closing(sqlite3.connect(cache)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)


def test_many_threads_share_a_library_and_a_cache(save_lora, tmp_path, monkeypatch):
    for number in range(20):
        save_lora(f"{number}.safetensors", value=number)
    folder = tmp_path / "loras"
    shared = Library([folder], cache=tmp_path / "c.sqlite")

    def work(number: int) -> str:
        library = shared if number % 2 else Library([folder], cache=tmp_path / "c.sqlite")
        library.refresh()
        return library.find(str(number % 20)).digests.sha256

    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(work, range(40)))
    assert digests[:20] == digests[20:]
    assert facts.FactsBook(tmp_path / "c.sqlite").known_digests(folder / "3.safetensors") is not None


def test_what_the_cache_says_of_other_folders_is_not_read_until_it_is_asked_for(
    loras: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "c.sqlite"
    Library([loras], cache=cache)
    with closing(sqlite3.connect(cache)) as db, db:  # rows that nobody could read
        rows = [(f"/gone/{n}.safetensors".encode(), 1, 1, "no facts at all") for n in range(3)]
        db.executemany("INSERT INTO facts VALUES (?, ?, ?, ?)", rows)
    monkeypatch.setattr(facts, "learn", lambda path: pytest.fail(f"{path} is known"))
    assert works(Library([loras], cache=cache))
    assert Library([], cache=cache).find(str(loras / "a.safetensors")).alias == "alias"
    assert not cache.with_name("c.sqlite.damaged").exists()
