"""Saved mixes: small files by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_mixer import LoraUse, Mix, Strength
from lora_mixer.errors import ConfigError, MissingFileError, RequestError
from lora_mixer.promptfile import MixFile
from lora_mixer_app.web.mix_store import MixStore

MIX = MixFile(Mix((LoraUse(name="a", strength=Strength(0.5)),)))


def test_a_mix_is_saved_loaded_renamed_and_deleted(tmp_path: Path) -> None:
    presets = MixStore(tmp_path / "mixes")
    presets.save("夜 1", MIX)
    assert presets.names() == ("夜 1",)
    presets.rename("夜 1", "ink")
    assert MixStore(tmp_path / "mixes").load("ink") == MIX
    presets.delete("ink")
    assert presets.names() == ()


def test_what_is_deleted_or_replaced_comes_back_and_is_kept_for_a_month(tmp_path: Path) -> None:
    presets, other = MixStore(tmp_path), MixFile(Mix((LoraUse(name="b", strength=Strength(1.0)),)))
    presets.save("ink", MIX)
    presets.save("ink", other)
    presets.restore("ink")
    assert presets.load("ink") == MIX
    presets.restore("ink")
    assert presets.load("ink") == other
    presets.delete("ink")
    presets.restore("ink")
    assert presets.load("ink") == other
    presets.save("ink", other)  # nothing is replaced by its like
    (tmp_path / ".bin" / "1-old.toml").write_text("")
    (tmp_path / ".bin" / "by hand.toml").write_text("")
    presets.save("ink", MIX)
    assert sorted(path.name.partition("-")[2] for path in (tmp_path / ".bin").iterdir()) == ["", "ink.toml", "ink.toml"]
    assert presets.names() == ("ink",)
    with pytest.raises(MissingFileError):
        presets.restore("old")


def test_a_shared_mix_is_taken_in_only_if_it_is_one(tmp_path: Path) -> None:
    presets = MixStore(tmp_path)
    assert presets.take_in("b", b"[[loras]]\nname = 'a'\nunet = 0.5\n") == MIX
    with pytest.raises(ConfigError):
        presets.take_in("c", b"loras = 1")
    assert presets.names() == ("b",)


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a\\b", ".x", "a\0", "x" * 300, "<b>"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(RequestError, match="cannot be called"):
        MixStore(tmp_path).save(name, MIX)


def test_nothing_is_overwritten_by_a_rename_and_nothing_that_is_missing_is_found(tmp_path: Path) -> None:
    presets = MixStore(tmp_path)
    presets.save("a", MIX)
    presets.save("b", MIX)
    with pytest.raises(RequestError, match="already"):
        presets.rename("a", "b")
    with pytest.raises(MissingFileError):
        presets.rename("c", "d")
    with pytest.raises(MissingFileError):
        presets.load("c")


def test_an_empty_mix_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no LoRA"):
        MixStore(tmp_path).save("a", MixFile(Mix()))
