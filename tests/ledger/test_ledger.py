"""The ledger holds every finished picture, whatever happened to the run."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from lora_mixer.errors import BrokenFileError, FileError, MissingFileError, PromptError, RenderError
from lora_mixer.images import AdapterRecord, ModelRecord
from lora_mixer.ledger.digest import basis_of, digest_of, job_digest
from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.ledger import Ledger, LedgerEntry, read_entries
from lora_mixer.ledger.plan_file import StoredPlan
from lora_mixer.ledger.writer import LedgerWriter, part_of
from lora_mixer.mixes import Strength
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.runs.estimate import estimate, outline, seconds_for
from lora_mixer.store import FolderStore
from tests.support.records import made_up_record, made_up_settings

SETTINGS = made_up_settings("猫\nline", seed=7)
RECORD = made_up_record(
    SETTINGS,
    adapters=(
        AdapterRecord(name="x", file="x", sha256="cd" * 32, autov3="e", strength=Strength(), kind="lora", modules=1),
    ),
)


def test_a_line_of_which_a_bit_was_flipped_is_never_taken_for_another(tmp_path: Path) -> None:
    _filled(tmp_path, 1)
    path = tmp_path / "manifest.jsonl"
    data, entries = path.read_bytes(), read_entries(tmp_path)
    for place in range(0, len(data) - 1, 7):
        wrong = bytearray(data)
        wrong[place] ^= 1
        path.write_bytes(bytes(wrong))
        assert read_entries(tmp_path) in ((), entries)


def _filled(folder: Path, count: int) -> LedgerWriter:
    (folder / "images").mkdir(parents=True)
    file = read_prompt_text("\n".join(f"p{n}" for n in range(count)), Path("x.txt"))
    plan = StoredPlan.of(file, size=4)
    jobs = tuple(replace(job, digest=digest_of(RECORD), settings=SETTINGS) for job in plan.jobs)
    replace(plan, jobs=jobs).write(folder)
    writer = LedgerWriter(FolderStore(folder))
    for number in range(count):
        writer.enter([_made(folder, writer, number)])
    return writer


def _made(folder: Path, writer: LedgerWriter, number: int) -> LedgerEntry:
    """Write a picture as a worker does."""
    data = f"picture {number}".encode()
    part_of(folder / f"images/{number:04}.png", writer.token).write_bytes(data)
    return LedgerEntry(
        index=number,
        file=Path(f"images/{number:04}.png"),
        name=f"n{number}",
        digest=digest_of(RECORD),
        sha256=sha256(data).hexdigest(),
        seconds=1.0,
        record=RECORD,
    )


def test_lines_come_back_as_they_were_entered(tmp_path: Path) -> None:
    _filled(tmp_path, 3)
    lines = read_entries(tmp_path)
    assert [(line.index, line.name, line.file.as_posix()) for line in lines] == [
        (n, f"n{n}", f"images/{n:04}.png") for n in range(3)
    ]
    assert all(line.record == RECORD for line in lines)
    assert len((tmp_path / "manifest.jsonl").read_text("utf-8").splitlines()) == 3
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == ["0000.png", "0001.png", "0002.png"]


def test_a_last_line_torn_anywhere_is_left_out_and_cut_off(tmp_path: Path) -> None:
    writer = _filled(tmp_path, 2)
    path = tmp_path / "manifest.jsonl"
    data = path.read_bytes()
    first = data.index(b"\n") + 1
    for cut in range(first, len(data), 97):
        path.write_bytes(data[:cut])
        assert len(read_entries(tmp_path)) == 1
        writer.repair()
        writer.enter([_made(tmp_path, writer, 1)])
        assert path.read_bytes() == data


def test_a_damaged_line_inside_is_told_by_its_number(tmp_path: Path) -> None:
    _filled(tmp_path, 3)
    path = tmp_path / "manifest.jsonl"
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], lines[1][:-5], *lines[2:]]))
    ledger = Ledger.read(tmp_path)
    assert list(ledger.entries) == [0, 2]
    (told,) = ledger.damaged
    assert "manifest.jsonl:2: " in told


def test_a_folder_that_holds_no_run_or_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        Ledger.read(tmp_path / "none")
    (tmp_path / "plan.json").write_text("{}")
    with pytest.raises(BrokenFileError):
        Ledger.read(tmp_path)
    (tmp_path / "failed.jsonl").mkdir()
    with pytest.raises(FileError):
        LedgerWriter(FolderStore(tmp_path)).fail([Failure(index=0, error="RenderError", what="x")])


def test_a_picture_is_whole_only_while_its_bytes_are_those_that_were_entered(tmp_path: Path) -> None:
    _filled(tmp_path, 3)
    (tmp_path / "images/0000.png").unlink()
    (tmp_path / "images/0001.png").write_bytes(b"picture")
    ledger = Ledger.read(tmp_path)
    assert [ledger.is_whole(number) for number in range(4)] == [False, False, True, False]


def test_a_failure_counts_until_its_picture_is_made_and_keeps_its_class(tmp_path: Path) -> None:
    writer = _filled(tmp_path, 2)
    (tmp_path / "manifest.jsonl").write_bytes((tmp_path / "manifest.jsonl").read_bytes().split(b"\n")[0] + b"\n")
    writer.fail([Failure.of(PromptError("bad", where="here", remedy="Mend."), index) for index in (0, 1, 5)])
    failures = Ledger.read(tmp_path).failures
    assert set(failures) == {1}
    assert isinstance(failures[1].raised(), PromptError)
    assert str(failures[1].raised()) == "here: bad. Mend."
    assert type(Failure(index=0, error="Unheard", what="x").raised()) is RenderError


def test_what_was_never_entered_is_removed(tmp_path: Path) -> None:
    writer = _filled(tmp_path, 1)
    part_of(tmp_path / "images/0009.png", "0123abcd").write_bytes(b"half")
    writer.repair()
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["0000.png"]


def test_two_spellings_of_one_request_have_one_digest() -> None:
    assert job_digest(SETTINGS, {"a": "1", "b": "2"}) == job_digest(SETTINGS, {"b": "2", "a": "1"})
    assert job_digest(replace(SETTINGS, cfg=7), {}) == job_digest(replace(SETTINGS, cfg=7.0), {})


def test_whatever_decides_the_picture_changes_the_digest() -> None:
    others = [
        *(replace(RECORD, settings=s) for s in (replace(SETTINGS, seed=8), replace(SETTINGS, cfg=7.5))),
        replace(RECORD, model=ModelRecord(name="emoji", sha256="00" * 32)),
        replace(RECORD, adapters=()),
        replace(RECORD, versions={"torch": "3"}),
        replace(RECORD, dtype="bfloat16"),
        replace(RECORD, device="cuda"),
    ]
    digests = {digest_of(other) for other in others}
    assert len(digests) == len(others)
    assert digest_of(RECORD) not in digests
    assert digest_of(replace(RECORD, seconds=2.0, batch_size=4)) == digest_of(RECORD)
    assert basis_of(replace(RECORD, device="cuda:1").inputs)["device"] == "cuda"


def test_a_line_is_plain_json(tmp_path: Path) -> None:
    _filled(tmp_path, 1)
    line = json.loads((tmp_path / "manifest.jsonl").read_text("utf-8"))
    assert line["record"]["settings"]["prompt"] == "猫\nline"
    assert len(line["digest"]) == 64


def test_time_is_told_from_earlier_pictures_by_steps_and_pixels(tmp_path: Path) -> None:
    _filled(tmp_path, 2)
    lines = read_entries(tmp_path)
    plan = read_prompt_text(f"cat\ndog --steps {SETTINGS.steps * 3}", Path("x.txt"))
    assert seconds_for(plan.jobs, lines) == pytest.approx(4)
    same = read_prompt_text("p0\np1", Path("x.txt"))
    assert "2 of 2 pictures are there, about 0 s for the rest" in estimate(same, tmp_path)
    assert "0 of 2 pictures are there, about 4 s for the rest" in estimate(plan, tmp_path)
    (tmp_path / "plan.json").unlink()
    assert "0 of 2 pictures are there, about 2 s" in estimate(plan, tmp_path, workers=2)


def test_a_dry_run_shows_the_batches_in_their_order() -> None:
    plan = read_prompt_text("a\nb <lora:x:1>\nc\nd <lora:y:1>", Path("x.txt"))
    assert outline(plan, batch=2).splitlines() == [
        "batch 1: 0000 0002",
        "batch 2: 0001 0003",
        "2 batches of up to 2, 1 of them with several mixes",
    ]


def test_a_second_pass_takes_its_own_time(tmp_path: Path) -> None:
    _filled(tmp_path, 2)
    lines = read_entries(tmp_path)
    plain, twice = (read_prompt_text(text, Path("x.txt")) for text in ("cat", "cat --hires 2"))
    assert seconds_for(twice.jobs, lines) == pytest.approx(5 * seconds_for(plain.jobs, lines))
