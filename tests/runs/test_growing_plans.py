"""A plan may grow: what is still asked for is kept, what is new is made, the rest is moved aside and named."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from lora_mixer.errors import ConfigError, FileError, LoraMixerError, PartialRunError, RenderError
from lora_mixer.ledger.ledger import Ledger, read_entries
from lora_mixer.ledger.writer import LedgerWriter
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.runs.run import RunOptions, RunResult, run
from tests.support.painters import Painters
from tests.support.runs import pixels

TWO = RunOptions(batch=2, threads=1)
LINES = (
    "cat --seed 1",
    "sun --seed 2 --loras ink=0.5",
    "dog --seed -1",
    "cow --seed 4 --loras ink=0.5",
    "owl --seed 5",
)
OLD = Path(__file__).parent / "fixtures" / "run-0.1"


def grow(
    folder: Path, lines: tuple[str, ...], executor: Painters, options: RunOptions = TWO
) -> tuple[RunResult, list[str]]:
    said: list[str] = []
    file = read_prompt_text("\n".join(lines), Path("prompts.txt"))
    return run(file, folder, executor, options=options, say=said.append), said


def by_prompt(folder: Path) -> dict[str, bytes]:
    ledger = Ledger.read(folder)
    return {ledger.plan.jobs[i].name: ledger.path(i).read_bytes() for i in ledger.entries}


def aside(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "set-aside").glob("*.png"))


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    assert grow(folder, LINES, Painters())[0].rendered == 5
    return folder


def test_an_appended_prompt_is_the_only_one_that_is_made(whole: Path) -> None:
    before, executor = by_prompt(whole), Painters()
    result, said = grow(whole, (*LINES, "fox --seed 6"), executor)
    assert (result.found, result.rendered, executor.painted, said) == (5, 1, [5], [])
    assert before.items() <= by_prompt(whole).items()
    assert not (whole / "set-aside").exists()


def test_a_mended_line_costs_its_own_picture_and_the_old_one_is_kept_and_named(whole: Path) -> None:
    before = by_prompt(whole)
    result, said = grow(whole, (*LINES[:3], "cow --seed 44", LINES[4]), Painters())
    assert (result.found, result.rendered) == (4, 1)
    assert re.search(r"1 picture asked for no longer, now in .*set-aside", " ".join(said))
    (name,) = aside(whole)
    assert (whole / "set-aside" / name).read_bytes() == before["cow"]
    after = by_prompt(whole)
    assert all(after[name] == before[name] for name in ("cat", "sun", "dog", "owl"))
    assert after["cow"] != before["cow"]


def test_a_line_in_front_moves_no_picture_and_the_ledger_knows_which_is_which(whole: Path) -> None:
    before = by_prompt(whole)
    result, _ = grow(whole, ("fox --seed 6", *LINES), Painters())
    assert (result.found, result.rendered) == (5, 1)
    assert before.items() <= by_prompt(whole).items()
    assert [entry.name for entry in Ledger.read(whole).entries.values()] == ["fox", "cat", "sun", "dog", "cow", "owl"]
    assert [entry.index for entry in read_entries(whole)][:5] == [1, 2, 3, 4, 5]
    executor = Painters()
    assert grow(whole, ("fox --seed 6", *LINES), executor)[0].found == 6
    assert executor.painted == []


def test_what_was_set_aside_comes_back_when_it_is_asked_for_again(whole: Path) -> None:
    before = by_prompt(whole)
    other = tuple(f"{line} --steps 3" for line in LINES)
    result, _ = grow(whole, other, Painters())
    assert (result.found, result.rendered, len(aside(whole))) == (0, 5, 5)
    executor = Painters()
    result, said = grow(whole, LINES, executor)
    assert (result.found, result.rendered, executor.painted) == (
        4,
        1,
        [2],
    )  # dog has no seed of its own: another was drawn
    assert "4 pictures that were set aside are asked for again and are back" in said
    after = by_prompt(whole)
    assert all(after[name] == before[name] for name in ("cat", "sun", "cow", "owl"))


def test_a_drawn_seed_stays_though_lines_move(whole: Path) -> None:
    before = by_prompt(whole)["dog"]
    result, _ = grow(whole, (LINES[2], *LINES[3:], LINES[0]), Painters())
    assert (result.found, result.rendered) == (4, 0)
    assert by_prompt(whole)["dog"] == before


def test_a_picture_that_is_damaged_after_its_neighbour_went_is_made_again_as_it_was(whole: Path) -> None:
    batches = [batch.jobs for batch in Ledger.read(whole).plan.batches]
    assert (0, 2) in batches
    lines = (LINES[0], *LINES[3:])
    grow(whole, lines, Painters())
    before = pixels(whole)
    (whole / "images/0000.png").write_bytes(b"damaged")
    assert grow(whole, lines, Painters())[0].rendered == 1
    assert pixels(whole) == before


def test_a_lora_that_is_another_file_now_is_told_and_costs_only_its_pictures(whole: Path) -> None:
    before, executor = by_prompt(whole), Painters({"ink": "33" * 32})
    with pytest.raises(ConfigError, match=r"lora:ink is 3333333333, was 1111111111"):
        grow(whole, LINES, executor, RunOptions(batch=2, threads=1, strict=True))
    assert by_prompt(whole) == before
    result, said = grow(whole, LINES, executor)
    assert (result.found, result.rendered) == (3, 2)
    assert "lora:ink is 3333333333, was 1111111111" in said[0]
    assert len(aside(whole)) == 2
    assert grow(whole, LINES, Painters())[0].rendered == 0  # the old file again: nothing need be made


def test_a_run_that_died_while_it_moved_pictures_goes_on_without_losing_one(whole: Path) -> None:
    before = by_prompt(whole)
    lines = (*LINES[:3], "cow --seed 44", LINES[4])
    for step in ("write_plan", "rewrite"):
        folder = Path(shutil.copytree(whole, whole.parent / step))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(LedgerWriter, step, lambda *arguments: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                grow(folder, lines, Painters())
        executor = Painters()
        assert grow(folder, LINES, executor)[0].total == 5
        assert executor.painted == []
        assert by_prompt(folder) == before


def test_a_file_that_was_mended_is_tried_again_with_and_without_asking_for_what_failed(tmp_path: Path) -> None:
    lines = ("cat --seed 1", "sun --seed 2 --loras nope=1")
    result, _ = grow(tmp_path, lines, Painters())
    assert [failure.where for failure in result.failures] == ["prompts.txt:2:22"]
    with pytest.raises(PartialRunError, match="1 of 2"):
        result.check()
    for number, options in enumerate((TWO, RunOptions(batch=2, threads=1, retry_failed=True))):
        folder = Path(shutil.copytree(tmp_path, tmp_path.parent / f"again-{number}"))
        result, _ = grow(folder, ("cat --seed 1", "sun --seed 2 --loras ink=1"), Painters(), options)
        assert (result.found, result.rendered, result.failures) == (1, 1, ())
        assert (folder / "failed.jsonl").read_bytes() == b""


def test_beginning_anew_keeps_the_old_pictures_aside(whole: Path) -> None:
    result, said = grow(whole, LINES, Painters(), RunOptions(batch=2, threads=1, anew=True))
    assert (result.found, result.rendered) == (0, 5)
    assert "5 pictures and plan.json are set aside" in said[0]
    assert len(aside(whole)) == 5


def test_a_finished_plan_asks_nobody_while_all_it_follows_from_is_as_it_was(whole: Path) -> None:
    options = RunOptions(batch=2, threads=1, witness=lambda: "w1")
    grow(whole, LINES, Painters(), options)
    executor = Painters()
    assert grow(whole, LINES, executor, options)[0].found == 5
    assert (executor.asked, executor.started) == (0, 0)
    (whole / "images/0001.png").unlink()
    assert grow(whole, LINES, executor, options)[0].rendered == 1
    assert (executor.asked, executor.started) == (0, 1)
    grow(whole, LINES, executor, RunOptions(batch=2, threads=1, witness=lambda: "w2"))
    assert executor.asked == 5


def test_progress_is_told_while_many_jobs_are_planned(tmp_path: Path) -> None:
    planned: list[int | None] = []
    file = read_prompt_text("\n".join(f"p{n} --loras nope=1" for n in range(300)), Path("prompts.txt"))
    with pytest.raises(LoraMixerError, match="no LoRA 'nope'"):
        run(file, tmp_path, Painters(), on_progress=lambda progress: planned.append(progress.planned))
    assert sorted({count for count in planned if count is not None}) == [0, 128, 256, 300]


def test_a_run_of_the_first_version_is_read_and_grows(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(OLD, tmp_path / "old"))
    ledger = Ledger.read(folder)
    assert (list(ledger.entries), list(ledger.failures), ledger.damaged) == ([0, 1, 2], [3], ())
    assert all(ledger.is_whole(index) for index in range(3))
    seeds = [entry.record.settings.seed for entry in ledger.entries.values()]
    executor, said = Painters({"line_art": "44" * 32, "nope": "55" * 32}), []
    file = read_prompt_text((folder / "prompts.txt").read_text(), Path("prompts.txt"))
    result = run(file, folder, executor, options=TWO, say=said.append)
    assert (result.rendered, result.failures) == (4, ())  # painters are no worker of then: all is made again
    assert len(aside(folder)) == 3
    assert (
        Ledger.read(folder).entries[0].record.settings.seed == seeds[0]
    )  # seeds of the others follow from prompts now


def test_a_folder_that_is_renamed_meanwhile_is_still_the_one_that_is_written_to(tmp_path: Path) -> None:
    """Another plan begins at its old place while the first goes on; neither has a picture of the other."""
    output, renamed, others = tmp_path / "out", tmp_path / "renamed", tuple(f"other {line}" for line in LINES)

    def rename(task: object) -> None:
        if not renamed.exists():
            output.rename(renamed)
            assert grow(output, others, Painters())[0].rendered == 5

    result, said = grow(output, LINES, Painters(on_paint=rename))
    assert (result.rendered, result.manifest.parent) == (5, renamed)
    assert f"the folder was renamed; the run goes on in {renamed}" in said
    for folder, lines in ((output, others), (renamed, LINES)):
        alone = tmp_path / f"alone-{folder.name}"
        named = tuple(line.replace("-1", str(_seed(folder, 2))) for line in lines)
        grow(alone, named, Painters())
        assert (pixels(folder) == pixels(alone)) is True
        assert not [path.name for path in (folder / "images").iterdir() if path.name.startswith(".")]


def _seed(folder: Path, index: int) -> int:
    return Ledger.read(folder).entries[index].record.settings.seed


def test_a_folder_renamed_with_nothing_at_its_old_place_is_followed(tmp_path: Path) -> None:
    output, renamed = tmp_path / "out", tmp_path / "renamed"
    executor = Painters(on_paint=lambda task: renamed.exists() or output.rename(renamed))
    result, said = grow(output, LINES, executor)
    assert (result.rendered, len(pixels(renamed)), output.exists()) == (5, 5, False)
    assert said == [f"the folder was renamed; the run goes on in {renamed}"]


def test_a_folder_that_is_removed_meanwhile_is_told_with_what_to_do(tmp_path: Path) -> None:
    output = tmp_path / "out"
    with pytest.raises(FileError, match=r"removed or renamed.*run the same command"):
        grow(output, LINES, Painters(on_paint=lambda task: shutil.rmtree(output)))


def test_a_ledger_that_is_removed_meanwhile_is_noticed_and_its_pictures_are_made_again(tmp_path: Path) -> None:
    output, painted = tmp_path / "out", []

    def remove(task: object) -> None:
        painted.append(task)
        if len(painted) == 2:
            (output / "manifest.jsonl").unlink()

    result, said = grow(output, LINES, Painters(on_paint=remove))
    assert len(read_entries(output)) == 5
    assert (result.total, result.failures) == (5, ())
    assert any("no longer in the folder or its ledger" in sentence for sentence in said)
    always = Painters(on_paint=lambda task: (tmp_path / "b/manifest.jsonl").unlink(missing_ok=True))
    with pytest.raises(PartialRunError, match="vanish"):
        grow(tmp_path / "b", LINES, always)


def test_what_stops_a_run_midway_says_how_many_pictures_are_there(tmp_path: Path) -> None:
    painted = []

    def fail(task: object) -> None:
        painted.append(task)
        if len(painted) == 2:
            raise RenderError("Ray gave up", remedy="Look at the cluster.")

    with pytest.raises(PartialRunError, match=r"stopped after 2 of 5 pictures: Ray gave up. Look at the cluster."):
        grow(tmp_path, LINES, Painters(on_paint=fail))


def test_a_plan_and_new_folders_are_flushed_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    flushed: list[str] = []
    fsync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda handle: (flushed.append(Path(f"/proc/self/fd/{handle}").readlink().name), fsync(handle))[1]
    )
    grow(tmp_path / "a" / "out", LINES[:1], Painters())
    assert {tmp_path.name, "a", "out", ".plan.json.part", "images", "manifest.jsonl"} <= set(flushed)
    assert flushed.index(".plan.json.part") < flushed.index("manifest.jsonl")
