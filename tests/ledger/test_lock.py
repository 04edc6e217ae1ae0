"""Two runs never write into one folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lora_mixer.errors import ConfigError, FileError
from lora_mixer.ledger.lock import hold

HOLDING = """
import sys, time
from pathlib import Path
from lora_mixer.ledger.lock import hold
with hold(Path(sys.argv[1]), print):
    print("held", flush=True)
    time.sleep(60)
"""


def _holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLDING, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_refused_by_name_and_a_dead_one_is_taken_over(tmp_path: Path) -> None:
    with _holder(tmp_path) as process:
        with pytest.raises(ConfigError, match=f"process {process.pid} on .* since 2"), hold(tmp_path, print):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        said: list[str] = []
        with hold(tmp_path, said.append):
            assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()
        assert f"process {process.pid} " in said[0]


def test_a_lock_that_was_given_back_says_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        with hold(tmp_path, said.append):
            pass
    assert said == []


def test_a_lock_of_another_machine_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text(json.dumps({"pid": 1, "host": "elsewhere", "since": "2026-01-01"}))
    with pytest.raises(ConfigError, match="process 1 on elsewhere") as caught, hold(tmp_path, print):
        pass
    assert str(tmp_path / ".lock") in str(caught.value)


def test_a_folder_that_cannot_be_locked_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(FileError), hold(tmp_path / "none", print):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")
@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "folder"])
def test_a_lock_is_a_file_of_the_folder_and_nothing_that_leads_out_of_it(tmp_path: Path, kind: str) -> None:
    precious = tmp_path / "precious"
    if kind == "link":
        precious.write_text("years of work")
    (folder := tmp_path / "run").mkdir()
    lock = folder / ".lock"
    if kind == "pipe":
        os.mkfifo(lock)
    elif kind == "folder":
        lock.mkdir()
    else:
        lock.symlink_to(precious)
    with pytest.raises(FileError, match="cannot be locked"), hold(folder, print):
        pass
    assert precious.exists() == (kind == "link")
    if kind == "link":
        assert precious.read_text() == "years of work"
