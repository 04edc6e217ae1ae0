"""What goes wrong around a command ends as one line and an exit code, never as a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from lora_mixer.catalog import Library, load_models_file
from lora_mixer.errors import BrokenFileError, ConfigError, FileError, MissingFileError, ModelError
from lora_mixer.export import writing
from lora_mixer.models import hub
from lora_mixer.models.folder import open_folder

FULL = Path("/dev/full")


def lora_tensors() -> dict[str, torch.Tensor]:
    module = "lora_unet_mid_block_attentions_0_proj_in"
    return {f"{module}.lora_up.weight": torch.zeros(4, 1), f"{module}.lora_down.weight": torch.zeros(1, 4)}


def answer(*arguments: str | Path, cwd: Path, stdout: int | object = subprocess.PIPE, **environment: str):
    return subprocess.run(
        [sys.executable, "-m", "lora_mixer_app", *map(str, arguments)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.fixture
def exotic(tmp_path: Path) -> Path:
    """A working folder whose LoRAs have names beyond Latin-1."""
    (tmp_path / "loras").mkdir()
    for name in ("猫", "🚀 ракета"):
        save_file(lora_tensors(), tmp_path / "loras" / f"{name}.safetensors")
    return tmp_path


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full, which only Linux has")
def test_an_output_that_is_full_is_one_line(exotic: Path) -> None:
    with FULL.open("wb") as full:
        done = answer("loras", cwd=exotic, stdout=full)
    assert done.returncode == FileError.exit_code
    assert done.stderr.decode().startswith("error: the output cannot be written")
    assert done.stderr.count(b"\n") == 1


def test_a_reader_that_goes_away_is_no_error(exotic: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = answer("loras", "--json", cwd=exotic, stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_names_beyond_the_outputs_alphabet_are_escaped(exotic: Path) -> None:
    told = answer("loras", cwd=exotic, PYTHONIOENCODING="latin-1")
    assert told.returncode == 0, told.stderr
    assert b"\\u732b" in told.stdout
    listed = answer("loras", "--json", cwd=exotic, PYTHONIOENCODING="latin-1")
    assert {"猫", "🚀 ракета"} <= {row["name"] for row in json.loads(listed.stdout.decode("latin-1"))}
    wrong = answer("inspect", "нет.safetensors", cwd=exotic, PYTHONIOENCODING="latin-1")
    assert wrong.returncode == FileError.exit_code
    assert wrong.stderr.startswith(b"error: ")


def test_a_disk_that_only_reads_is_one_error_from_every_form_of_baking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(writing, "save_file", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(FileError, match="Read-only file system"):
        writing.write_tensors(tmp_path / "mix.safetensors", {}, {})


def test_a_folder_that_is_no_model_is_told_so_whatever_lies_in_it(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print(1)")
    with pytest.raises(MissingFileError) as caught:
        open_folder(tmp_path, name="x", dtype=torch.float32)
    assert "model_index.json" in str(caught.value)
    assert "Delete" not in str(caught.value)


def test_a_file_that_may_not_be_read_is_found_again_when_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "loras" / "ink.safetensors"
    file.parent.mkdir()
    save_file(lora_tensors(), file)
    cache = tmp_path / "cache.sqlite"
    with monkeypatch.context() as locked:
        _lock(file, locked)
        library = Library([file.parent], cache=cache)
        with pytest.raises(BrokenFileError, match="may not be read"):
            library.find("ink")
    assert library.find("ink").path == file
    assert Library([file.parent], cache=cache).find("ink").path == file


def test_another_file_of_its_name_does_not_stand_in_for_one_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = (tmp_path / folder / "ink.safetensors" for folder in ("a", "b"))
    for file in (mine, theirs):
        file.parent.mkdir()
        save_file(lora_tensors(), file)
    _lock(mine, monkeypatch)
    library = Library([mine.parent, theirs.parent], cache=tmp_path / "cache.sqlite")
    with pytest.raises(BrokenFileError) as caught:
        library.find("ink")
    assert str(mine) in str(caught.value)
    assert library.find(theirs.as_posix()).path == theirs  # the remedy works


def _lock(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse to open a file, as the system does to all but root, whom these tests may run as."""
    opened = os.open

    def refuse(path: object, *arguments: Any, **options: Any) -> int:
        if path == file:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("sampler", "Eulr", r"Did you mean Euler\? Expected"),
        ("schedule", "Karas", "Did you mean Karras"),
        ("preset", "lcmm", "there is no preset 'lcmm'"),
    ],
)
def test_a_default_that_is_no_sampler_is_refused_where_it_stands(
    tmp_path: Path, key: str, value: str, said: str
) -> None:
    file = tmp_path / "models.toml"
    file.write_text(f'[defaults]\n{key} = "{value}"\n')
    with pytest.raises(ConfigError, match=said) as caught:
        load_models_file(file)
    assert f"line 2, key defaults.{key}" in str(caught.value)


def _response(status: int) -> object:
    import httpx

    return httpx.Response(status, request=httpx.Request("GET", "https://hub.invalid/x"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (lambda: hub.GatedRepoError("x", response=_response(403)), "accepted its terms"),
        (lambda: hub.RepositoryNotFoundError("x", response=_response(404)), "no model of this name"),
        (lambda: hub.HfHubHTTPError("x", response=_response(401)), "does not accept the login"),
        (lambda: hub.HfHubHTTPError("x", response=_response(503)), "answered with the error 503"),
        (lambda: hub.LocalEntryNotFoundError("x"), "cannot be reached"),
        (lambda: hub.OfflineModeIsEnabled("x"), "HF_HUB_OFFLINE is set"),
    ],
    ids=["gated", "unknown", "login", "broken", "no network", "offline"],
)
def test_every_answer_of_the_hub_has_words_of_its_own(
    error, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error()

    monkeypatch.setattr(hub, "snapshot_download", refuse)
    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=said):
        hub.find_folder("someone/model")
