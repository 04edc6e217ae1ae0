"""A sheet of another arrangement: every picture of the run has one place, and none shares it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lora_mixer.errors import RequestError
from lora_mixer.ledger.ledger import Ledger, LedgerEntry
from lora_mixer.ledger.plan_file import StoredPlan
from lora_mixer.mixes import LoraUse, Strength
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.request import Settings
from lora_mixer.runs.facts import facts_of, facts_of_run
from lora_mixer.runs.regroup import regroup
from lora_mixer.sheet import Failed, draw_sheet
from lora_mixer_app.cli.commands.sheet import sheet
from tests.support.records import made_up_record, made_up_settings

SEEDS, INKS, GLOWS = (3, 20), (None, 0.5, 1.0), (0.0, -1.0)
EVERY = list(product(SEEDS, INKS, GLOWS))
FACTS = ("seed", "ink", "glow")


def _settings(seed: int, ink: float | None, glow: float) -> Settings:
    loras = [("ink", ink), ("glow", glow)]
    uses = tuple(LoraUse(name=n, strength=Strength(s)) for n, s in loras if s is not None)
    return made_up_settings("cat", loras=uses, seed=seed)


def _ledger(folder: Path = Path("run"), made: int = len(EVERY)) -> Ledger:
    """Return the ledger of a run over all combinations, the first `made` of them on disk."""
    file = read_prompt_text("\n".join(f"p{n}" for n in range(len(EVERY))), Path("x.txt"))
    plan = StoredPlan.of(file, size=4)
    jobs = tuple(replace(job, settings=_settings(*values)) for job, values in zip(plan.jobs, EVERY, strict=True))
    entries = {
        index: LedgerEntry(
            index=index,
            file=Path(f"images/{index:04}.png"),
            name=job.name,
            digest="",
            sha256="",
            seconds=1.0,
            record=made_up_record(job.settings),
        )
        for index, job in enumerate(jobs[:made])
    }
    return Ledger(folder=folder, plan=replace(plan, jobs=jobs), entries=entries, failures={})


@given(
    sides=st.lists(st.sampled_from(["columns", "rows", "else"]), min_size=3, max_size=3),
    made=st.integers(0, len(EVERY)),
)
def test_every_picture_has_a_place_of_its_own_beside_its_labels(sides: list[str], made: int) -> None:
    ledger = _ledger(made=made)
    columns, rows = ([n for n, s in zip(FACTS, sides, strict=True) if s == side] for side in ("columns", "rows"))
    if columns and rows and "else" in sides:
        with pytest.raises(RequestError, match="also differ in"):
            regroup(ledger, columns=columns, rows=rows)
        return
    found = regroup(ledger, columns=columns, rows=rows)
    flat = [cell for row in found.cells for cell in row]
    assert sorted(str(cell) for cell in flat if isinstance(cell, Path)) == sorted(
        str(ledger.path(index)) for index in range(made)
    )
    assert sum(isinstance(cell, Failed) for cell in flat) == len(EVERY) - made
    facts = facts_of_run(ledger)
    for y, row in enumerate(found.cells):
        for x, cell in enumerate(row):
            if isinstance(cell, Path):
                own = facts[int(cell.stem)]
                shown = " · ".join(f"{name} {own[name]}" for name in found.columns)
                assert not found.columns or found.labels.columns[x] == shown
                shown = " · ".join(f"{name} {own[name]}" for name in found.rows)
                assert not found.rows or found.labels.rows[y] == shown


def test_values_stand_in_the_order_of_their_size_and_off_comes_first() -> None:
    found = regroup(_ledger(), columns=["ink"], rows=["seed", "glow"])
    assert found.labels.columns == ("ink off", "ink 0.5", "ink 1")
    assert found.labels.rows == (
        "seed 3 · glow -1",
        "seed 3 · glow 0",
        "seed 20 · glow -1",
        "seed 20 · glow 0",
    )


def test_one_value_can_be_chosen() -> None:
    found = regroup(_ledger(), columns=["ink"], rows=["glow"], only={"seed": "20"})
    chosen = {cell for row in found.cells for cell in row if isinstance(cell, Path)}
    assert chosen == {Path(f"run/images/{n:04}.png") for n, values in enumerate(EVERY) if values[0] == 20}
    assert "seed 20" in found.labels.footer


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"columns": ["inc"]}, "Choose among glow, ink, prompt"),
        ({"columns": ["ink"], "only": {"seed": "4"}}, "There are seed 3, 20"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(asked: dict, said: str) -> None:
    with pytest.raises(RequestError) as caught:
        regroup(_ledger(), **{"columns": [], "rows": []} | asked)
    assert said in str(caught.value)


def test_a_job_without_settings_is_named(tmp_path: Path) -> None:
    ledger = _ledger(made=0)
    jobs = (replace(ledger.plan.jobs[0], settings=None), *ledger.plan.jobs[1:])
    found = regroup(replace(ledger, plan=replace(ledger.plan, jobs=jobs)), columns=["ink"], rows=[])
    assert found.unplaced == (0,)
    assert draw_sheet(found.cells, found.labels).width > 100


def test_the_command_draws_from_the_folder_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from lora_mixer.ledger.writer import LedgerWriter, part_of
    from lora_mixer.store import FolderStore

    ledger = _ledger(tmp_path, made=5)
    (tmp_path / "images").mkdir()
    ledger.plan.write(tmp_path)
    writer = LedgerWriter(FolderStore(tmp_path))
    for index, entry in ledger.entries.items():
        with part_of(tmp_path / entry.file, writer.token).open("wb") as out:
            Image.new("RGB", (64, 64), (40 * index, 0, 0)).save(out, "PNG")
        writer.enter([entry])
    sheet(tmp_path, tmp_path / "by-ink.webp", columns=["ink"], rows=["seed", "glow"])
    with Image.open(tmp_path / "by-ink.webp") as page:
        colours = {colour for _, colour in page.convert("RGB").getcolors(2**20) if colour[1] < 6 and colour[2] < 6}
    assert len(colours) >= 5
    sheet(tmp_path)
    assert (tmp_path / "grid.png").exists()
    assert "p11" not in (tmp_path / "index.html").read_text("utf-8")
    assert "5 of 12 pictures are there" in capsys.readouterr().out


def test_what_is_no_value_is_said(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path, made=0)
    ledger.plan.write(tmp_path)
    with pytest.raises(RequestError, match="NAME=VALUE"):
        sheet(tmp_path, only=["seed"])


def test_loras_of_tags_are_facts_like_those_of_the_list_and_none_takes_a_settings_place() -> None:
    settings = replace(
        _settings(3, 0.5, 0.0),
        prompt="cat <lora:ink:0.25> <lora:folder/line art:0.8:0.4> <lora:seed:1> <lora:sun:0@0,1@1>",
    )
    facts = facts_of(settings)
    assert (facts["ink"], facts["folder/line art"], facts["glow"]) == ("0.75", "0.4", "0")
    assert (facts["seed"], facts["lora:seed"], facts["sun"]) == ("3", "1", "<lora:sun:0@0,1@1>")
