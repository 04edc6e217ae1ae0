"""Files that are held while they are read: writers wait, readers do not, and nobody waits for a program that rests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lora_mixer.errors import ChangedFileError
from lora_mixer.files import Leases, Seal, open_tensor_file, reading, sealed, tensor_file
from lora_mixer.files.leases import is_lent
from tests.support.leases import lends, truncating, waits

HOLD = """
import sys
from pathlib import Path
from lora_mixer.files import Leases, sealed
with Leases([sealed(Path(sys.argv[1]))]):
    print("held", flush=True)
    sys.stdin.readline()
"""

UNHELD = """
import sys
from pathlib import Path
from lora_mixer.files import leases, open_tensor_file
from lora_mixer.tensors import tensor_reader
leases._lease = lambda _file: False  # a disk that lends none
file = Path(sys.argv[1])
opened = open_tensor_file(file)
read = tensor_reader(opened)
numbers = read(opened.tensors["a"])
file.write_bytes(b"")
print(numbers.sum().item(), (numbers + 1).sum().item())
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "weights.safetensors"
    file.write_bytes(b"x" * 8192)
    if not lends(file):
        pytest.skip("this disk lends no leases")
    return file


def seal_of(file: Path) -> Seal:
    seal = sealed(file)
    assert seal is not None
    return seal


def may_write(file: Path) -> bool:
    """Whether a writer that waits for nobody gets in."""
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_NONBLOCK))
    except BlockingIOError:
        return False
    return True


@contextmanager
def another_holder(file: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder


def test_a_writer_waits_is_noticed_and_goes_on_when_the_file_is_let_go(file: Path) -> None:
    with Leases([seal_of(file)]) as leases:
        leases.check()
        writer = truncating(file)
        assert waits(writer, leases)
        assert file.stat().st_size == 8192
    assert writer.wait(timeout=20) == 0
    assert file.stat().st_size == 0
    with pytest.raises(ChangedFileError, match="shrank"), Leases([Seal(file, 8192, 0, 0, 0)]):
        pass


def test_nobody_waits_for_a_program_that_rests(file: Path) -> None:
    with Leases([seal_of(file)]) as leases:
        leases.let_go()
        assert may_write(file)
        leases.take()
        assert not may_write(file)
        with pytest.raises(ChangedFileError, match=r"about to write the file\. Wait"):
            leases.check()
    assert may_write(file)


def test_many_processes_hold_one_file_and_a_writer_waits_for_all_of_them(file: Path) -> None:
    with another_holder(file) as other, Leases([seal_of(file)]) as leases, Leases([seal_of(file)]) as again:
        writer = truncating(file)
        assert waits(writer, leases)
        leases.let_go()
        again.let_go()
        time.sleep(0.2)
        assert writer.poll() is None
        other.communicate("\n")
        assert writer.wait(timeout=20) == 0


def test_who_opens_a_file_for_writing_while_it_rests_is_noticed(file: Path) -> None:
    with Leases([seal_of(file)]) as leases:
        leases.let_go()
        with file.open("r+b"), pytest.raises(ChangedFileError, match="about to write"):
            leases.take()


def test_a_file_that_is_open_for_writing_already_is_read_as_ever(file: Path) -> None:
    with file.open("r+b") as writer, Leases([seal_of(file)]) as leases:
        leases.let_go()
        leases.take()
        writer.write(b"y")
        writer.flush()
        with pytest.raises(ChangedFileError, match="changed"):
            leases.check()


def test_what_is_read_at_once_is_not_held(file: Path, tmp_path: Path) -> None:
    settings = tmp_path / "config.json"
    settings.write_text("{}")
    with reading(settings, tmp_path / "missing.safetensors"):
        assert may_write(settings)


def test_a_lora_that_cannot_be_held_is_read_into_memory_so_that_cutting_it_short_ends_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    save_file({"a": torch.ones(64, 1024)}, file)
    done = subprocess.run([sys.executable, "-c", UNHELD, str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["65536.0", "131072.0"]), done.stderr


def test_a_file_that_can_be_held_is_mapped_and_nobody_holds_it_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.ones(8)}, path)
    opened = open_tensor_file(path)
    whole = path.read_bytes()
    for lent in (True, False):
        monkeypatch.setattr(tensor_file, "is_lent", lambda _file, lent=lent: lent)
        buffer = opened.buffer(kept=True)
        assert buffer[:] == whole
    monkeypatch.undo()
    if lends(path):
        with path.open("rb") as handle:
            assert is_lent(handle)
        assert may_write(path)
    monkeypatch.setattr(tensor_file, "is_lent", lambda _file: path.write_bytes(whole[:-4]) < 0)
    with pytest.raises(ChangedFileError, match="changed while it was read"):
        opened.buffer(kept=True)
