"""A run can end at any moment and goes on from there."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import numpy as np
import pytest

from lora_mixer import Cancel, Mixer, RenderOptions
from lora_mixer.errors import (
    BrokenFileError,
    CancelledError,
    FileError,
    LoraMixerError,
    PartialRunError,
    RenderError,
    UnknownAdapterError,
)
from lora_mixer.ledger.ledger import Ledger, read_entries
from lora_mixer.pipeline import Job
from lora_mixer.runs.run import RunOptions, RunProgress, run
from lora_mixer.workers.inline import InlineExecutor
from tests.support.runs import LINES, SMALL, TWO, again, pixels, plan_of


@pytest.fixture(scope="module")
def executor(mixer: Mixer) -> InlineExecutor:
    return InlineExecutor(lambda: mixer)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, executor: InlineExecutor) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "out"
    assert run(plan_of(), folder, executor, options=TWO).rendered == 4
    return folder


@pytest.fixture
def copy(undisturbed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(undisturbed, tmp_path / "copy"))


def test_a_run_that_is_complete_renders_nothing(copy: Path, executor: InlineExecutor) -> None:
    result = again(copy, executor)
    assert (result.found, result.rendered, result.failures) == (4, 0, ())
    result.check()


def test_only_what_is_missing_or_damaged_is_made_again_with_the_same_pixels(
    copy: Path, undisturbed: Path, executor: InlineExecutor
) -> None:
    (copy / "images/0000.png").unlink()
    (copy / "images/0001.png").write_bytes(b"damaged")
    before = (copy / "images/0002.png").stat().st_mtime_ns
    result = again(copy, executor)
    assert (result.found, result.rendered) == (2, 2)
    assert pixels(copy) == pixels(undisturbed)
    assert (copy / "images/0002.png").stat().st_mtime_ns == before
    assert again(copy, executor).found == 4


def test_one_mix_is_rendered_together_and_the_ledger_keeps_the_order_of_the_sheet(undisturbed: Path) -> None:
    ledger = Ledger.read(undisturbed)
    assert [batch.jobs for batch in ledger.plan.batches] == [(0, 2), (1, 3)]
    assert list(ledger.entries) == [0, 1, 2, 3]
    assert [entry.file.name for entry in ledger.entries.values()] == [f"{n:04}.png" for n in range(4)]


def test_a_changed_plan_keeps_what_is_still_asked_for_and_the_rest_aside(
    copy: Path, undisturbed: Path, executor: InlineExecutor
) -> None:
    result = again(copy, executor, text=LINES.replace("dog", "wolf"))
    assert (result.found, result.rendered) == (3, 1)
    assert [one == other for one, other in zip(pixels(copy), pixels(undisturbed), strict=True)] == [1, 1, 0, 1]
    assert len(list((copy / "set-aside").glob("*.png"))) == 1
    assert again(copy, executor).rendered == 0
    assert pixels(copy) == pixels(undisturbed)
    text = f"owl {SMALL} 1"
    assert again(copy, executor, RunOptions(anew=True, threads=1), text).rendered == 1
    assert len(pixels(copy)) == len(read_entries(copy)) == 1


def test_a_seed_that_was_drawn_stays_when_the_run_goes_on(tmp_path: Path, executor: InlineExecutor) -> None:
    text = "cat --steps 1 --width 64 --height 64 --seed -1\ndog --steps 1 --width 64 --height 64 --seed -1"
    again(tmp_path, executor, text=text)
    first, seeds = pixels(tmp_path), [e.record.settings.seed for e in read_entries(tmp_path)]
    (tmp_path / "images/0001.png").unlink()
    assert again(tmp_path, executor, text=text).rendered == 1
    assert pixels(tmp_path) == first
    assert [e.record.settings.seed for e in read_entries(tmp_path)] == seeds


def test_a_job_that_cannot_be_made_costs_only_itself_and_names_its_line(
    tmp_path: Path, executor: InlineExecutor
) -> None:
    text = f"cat {SMALL} 1\ncat {SMALL} 1 --loras nope=1"
    result = again(tmp_path, executor, text=text)
    assert (result.rendered, [failure.where for failure in result.failures]) == (1, ["prompts.txt:2:55"])
    with pytest.raises(PartialRunError, match="1 of 2"):
        result.check()
    assert [failure.index for failure in again(tmp_path, executor, text=text).failures] == [1]
    with pytest.raises(UnknownAdapterError, match=r"prompts.txt:1:55: .*nope"):
        again(tmp_path / "other", executor, text=text.split("\n")[1])
    with pytest.raises(UnknownAdapterError):
        again(tmp_path / "strict", executor, RunOptions(strict=True), text)


def test_a_picture_that_fails_takes_no_neighbour_along_and_is_retried_on_request(
    tmp_path: Path, undisturbed: Path, executor: InlineExecutor, mixer: Mixer, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = mixer.render_jobs

    def failing(jobs: list[Job], how: RenderOptions, **listeners: object) -> object:
        if any(job.settings.prompt == "dog" for job in jobs):
            raise RenderError("memory ran out", remedy="Lower the batch.")
        return whole(jobs, how, **listeners)

    monkeypatch.setattr(mixer, "render_jobs", failing)
    result = again(tmp_path, executor)
    assert (result.rendered, [failure.what for failure in result.failures]) == (3, ["memory ran out"])
    monkeypatch.undo()
    assert again(tmp_path, executor).rendered == 0
    result = again(tmp_path, executor, RunOptions(batch=2, threads=1, retry_failed=True))
    assert (result.rendered, result.failures) == (1, ())
    assert pixels(tmp_path)[1:] == pixels(undisturbed)[1:]


def test_what_is_finished_stays_after_a_cancel(tmp_path: Path, undisturbed: Path, executor: InlineExecutor) -> None:
    cancel = Cancel()

    def press(progress: RunProgress) -> None:
        if progress.done:
            cancel.press()

    with pytest.raises(CancelledError):
        run(plan_of(), tmp_path, executor, options=TWO, on_progress=press, cancel=cancel)
    assert len(pixels(tmp_path)) == len(read_entries(tmp_path)) == 2
    assert again(tmp_path, executor).found == 2
    assert pixels(tmp_path) == pixels(undisturbed)


def test_a_full_disk_stops_the_run_and_keeps_what_is_there(
    tmp_path: Path, undisturbed: Path, executor: InlineExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lora_mixer.workers.renderer as module

    saved = module.save_picture

    def full(image: object, record: object, path: Path) -> Path:
        if record.settings.prompt in {"sun", "cow"}:
            raise FileError(f"cannot be written: {errno.errorcode[errno.ENOSPC]}", where=str(path))
        return saved(image, record, path)

    monkeypatch.setattr(module, "save_picture", full)
    with pytest.raises(PartialRunError, match="2 of 4 pictures: cannot be written: ENOSPC"):
        again(tmp_path, executor)
    with pytest.raises(FileError):
        again(tmp_path / "other", executor, text=f"sun {SMALL} 1")
    monkeypatch.undo()
    assert again(tmp_path, executor).rendered == 2
    assert pixels(tmp_path) == pixels(undisturbed)


def test_an_adapter_that_is_broken_meanwhile_is_a_failure_of_its_pictures(
    tmp_path: Path, executor: InlineExecutor, mixer: Mixer, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = mixer.resolve

    def broken(request: object, **options: object) -> object:
        if "line_art" in {use.name for use in request.loras}:
            raise BrokenFileError("truncated", where="line_art.safetensors")
        return job(request, **options)

    monkeypatch.setattr(mixer, "resolve", broken)
    result = again(tmp_path, executor)
    assert [failure.where for failure in result.failures] == [
        f"prompts.txt:{line}:55: line_art.safetensors" for line in (2, 4)
    ]
    monkeypatch.undo()
    assert again(tmp_path, executor).rendered == 2  # asking is cheap; only what failed midway waits for --retry-failed


def test_a_mistake_of_ours_in_one_job_costs_only_that_one(
    tmp_path: Path, executor: InlineExecutor, mixer: Mixer, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, many = mixer.resolve, mixer.render_jobs

    def mistaken(request: object, **options: object) -> object:
        return job(request if request.prompt != "sun" else 1 / 0, **options)

    def later(jobs: list[Job], how: RenderOptions, **listeners: object) -> object:
        return many(jobs if all(job.settings.prompt != "dog" for job in jobs) else {}["x"], how, **listeners)

    monkeypatch.setattr(mixer, "resolve", mistaken)
    monkeypatch.setattr(mixer, "render_jobs", later)
    result = again(tmp_path, executor)
    assert (result.rendered, [failure.index for failure in result.failures]) == (2, [1, 2])
    assert all("This is a bug" in str(failure.raised()) for failure in result.failures)
    assert "unexpected ZeroDivisionError: division by zero" in result.failures[0].what
    assert len((tmp_path / "failed.jsonl").read_text().splitlines()) == 2


def test_the_embedded_model_makes_a_damaged_run_whole_again(
    copy: Path, undisturbed: Path, executor: InlineExecutor
) -> None:
    lines = (copy / "manifest.jsonl").read_bytes().split(b"\n")
    (copy / "manifest.jsonl").write_bytes(b"\n".join([lines[0], lines[1][:-9], *lines[2:]]))
    (copy / "plan.json").write_bytes((copy / "plan.json").read_bytes()[:99])
    (copy / "failed.jsonl").write_bytes(b"{\n")
    (copy / "images/0003.png").unlink()
    (copy / "images/0003.png").mkdir()
    (copy / "images/mine").mkdir()
    result = again(copy, executor)
    assert result.rendered == 2
    assert pixels(copy) == pixels(undisturbed)
    assert (copy / "images/mine").is_dir()
    assert {"plan.json", "0003.png", "manifest.jsonl.damaged", "failed.jsonl.damaged"} <= {
        path.name for path in (copy / "set-aside").iterdir()
    }


def test_a_folder_of_an_unknown_run_is_left_alone(tmp_path: Path, executor: InlineExecutor) -> None:
    (tmp_path / "manifest.jsonl").write_text("{}\n")
    with pytest.raises(LoraMixerError, match="another run"):
        again(tmp_path, executor)


def test_batch_sizes_differ_by_rounding_only(undisturbed: Path, tmp_path: Path, executor: InlineExecutor) -> None:
    again(tmp_path, executor, RunOptions(batch=4, threads=1))
    for one, other in zip(pixels(tmp_path), pixels(undisturbed), strict=True):
        distance = np.frombuffer(one, np.uint8).astype(int) - np.frombuffer(other, np.uint8)
        assert abs(distance).max() <= 1
