"""The manifest holds every finished picture, whatever happened to the run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lora_mixer.batch.estimate import estimate, seconds_for
from lora_mixer.batch.manifest import Manifest, files_of, job_digest, read_manifest
from lora_mixer.batch.promptfile import read_prompt_text
from lora_mixer.errors import BrokenFileError, FileError, MissingFileError
from lora_mixer.images import AdapterRecord, ModelRecord, RenderRecord
from lora_mixer.request import Settings, Strength

SETTINGS = Settings(
    prompt="猫\nline",
    negative="",
    loras=(),
    seed=7,
    steps=20,
    cfg=7.0,
    sampler="Euler",
    schedule="Karras",
    width=64,
    height=64,
    clip_skip=1,
    model="emoji",
)
RECORD = RenderRecord(
    settings=SETTINGS,
    model=ModelRecord(name="emoji", sha256="ab" * 32),
    adapters=(
        AdapterRecord(name="x", file="x", sha256="cd" * 32, autov3="e", strength=Strength(), kind="lora", modules=1),
    ),
    engine="none",
    engine_reason="no mix",
    batch_size=1,
    batch_index=0,
    device="cpu",
    dtype="float32",
    versions={},
    seconds=1.0,
)


def _filled(path: Path, count: int) -> Manifest:
    manifest = Manifest.start(path)
    for number in range(count):
        manifest.append(RECORD, Path(f"images/{number}.png"), name=f"n{number}")
    return manifest


def test_lines_come_back_as_they_were_entered(tmp_path):
    _filled(tmp_path / "m.jsonl", 3)
    lines = read_manifest(tmp_path / "m.jsonl")
    assert [(line.index, line.name, line.file.as_posix()) for line in lines] == [
        (n, f"n{n}", f"images/{n}.png") for n in range(3)
    ]
    assert all(line.record == RECORD for line in lines)
    assert len((tmp_path / "m.jsonl").read_text("utf-8").splitlines()) == 3


def test_a_last_line_torn_anywhere_is_left_out_and_cut_off_on_resume(tmp_path):
    path = tmp_path / "m.jsonl"
    _filled(path, 2)
    data = path.read_bytes()
    first = data.index(b"\n") + 1
    for cut in range(first, len(data), 97):
        path.write_bytes(data[:cut])
        assert len(read_manifest(path)) == 1
        Manifest.resume(path).append(RECORD, Path("images/1.png"), name="n1")
        assert path.read_bytes() == data


def test_a_damaged_line_inside_is_told_by_its_number(tmp_path):
    path = tmp_path / "m.jsonl"
    _filled(path, 3)
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], lines[1][:-5], *lines[2:]]))
    with pytest.raises(BrokenFileError, match=r"m\.jsonl:2"):
        read_manifest(path)


def test_a_manifest_that_cannot_be_is_an_error_of_ours(tmp_path):
    with pytest.raises(FileError):
        Manifest.start(tmp_path / "none" / "m.jsonl")
    with pytest.raises(MissingFileError):
        read_manifest(tmp_path / "none.jsonl")
    manifest = _filled(tmp_path / "m.jsonl", 0)
    manifest.path = tmp_path
    with pytest.raises(FileError):
        manifest.append(RECORD, Path("x.png"), name="x")


def test_two_spellings_of_one_request_have_one_digest():
    assert job_digest(SETTINGS, {"a": "1", "b": "2"}) == job_digest(SETTINGS, {"b": "2", "a": "1"})
    assert job_digest(replace(SETTINGS, cfg=7), {}) == job_digest(replace(SETTINGS, cfg=7.0), {})


def test_whatever_decides_the_picture_changes_the_digest():
    digest = job_digest(SETTINGS, files_of(RECORD))
    others = [replace(SETTINGS, seed=8), replace(SETTINGS, cfg=7.5), replace(SETTINGS, prompt="x")]
    digests = {job_digest(other, files_of(RECORD)) for other in others}
    digests.add(job_digest(SETTINGS, files_of(replace(RECORD, model=ModelRecord(name="emoji", sha256="00" * 32)))))
    digests.add(job_digest(SETTINGS, files_of(replace(RECORD, adapters=()))))
    assert len(digests) == 5
    assert digest not in digests


def test_a_line_is_plain_json(tmp_path):
    _filled(tmp_path / "m.jsonl", 1)
    line = json.loads((tmp_path / "m.jsonl").read_text("utf-8"))
    assert line["record"]["settings"]["prompt"] == "猫\nline"
    assert len(line["digest"]) == 64


def test_time_is_told_from_earlier_pictures_by_steps_and_pixels(tmp_path: Path):
    _filled(tmp_path / "manifest.jsonl", 2)
    lines = read_manifest(tmp_path / "manifest.jsonl")
    each = sum(line.seconds for line in lines) / 2
    plan = read_prompt_text(f"cat\ndog --steps {SETTINGS.steps * 3}", Path("x.txt"))
    assert seconds_for(plan, lines) == pytest.approx(each * 4)
    assert "2 earlier pictures" in estimate(plan, tmp_path)
