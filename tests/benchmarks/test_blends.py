"""`make eval-blend`: what counted pictures say, what is marked by it, and that a run goes on where it was ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.blends import pictures as kept
from benchmarks.blends.cases import SUM, WAYS, Case, cases, neighbours
from benchmarks.blends.counting import Rate, paired, rate
from benchmarks.blends.measures import Floors, Placed, Seen, placed
from benchmarks.blends.results import PlacedShown, Results, Shown, bars, winners
from benchmarks.blends.table import BEGIN, END, markdown, marked, put, write_evidence
from lora_mixer import RenderRequest
from lora_mixer.choices import METHODS, evidence
from training.paths import ROOT

BASE = Floors(scores={"a": 0.5, "b": 0.5}, mean=torch.zeros(3), spread=torch.ones(3))


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(85, 100, 76.7, 90.7), (0, 10, 0.0, 27.8), (10, 10, 72.2, 100.0), (0, 0, 0.0, 100.0)],
)
def test_intervals_are_wilsons(hits: int, count: int, low: float, high: float) -> None:  # by R's prop.test, uncorrected
    assert Rate(hits, count).interval == pytest.approx((low, high), abs=0.06)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_a_way_is_as_far_ahead_as_the_other_is_behind(flags: list[tuple[bool, bool]]) -> None:
    ours, theirs = zip(*flags, strict=True)
    assert paired(ours, theirs) == -paired(theirs, ours)
    assert paired(ours, ours) == 0.0


def shown(looks: int, subjects: int, burn: float = 1.0, count: int = 100) -> Shown:
    pictures = [Seen(looks=(True, n < looks), subject=n < subjects, burn=burn) for n in range(count)]
    return Shown(pictures=pictures, seconds=1.0)


def canvases(right: int) -> PlacedShown:
    return PlacedShown(canvases=[Placed(right=n < right, bleeds=False, subjects=True) for n in range(100)], seconds=1.0)


def results(ways: dict[str, Shown], regions: int = 90, auto: int = 85) -> Results:
    places = {SUM: canvases(10), "regions": canvases(regions), "auto places": canvases(auto)}
    costs = [
        ("a picture with a masked LoRA", "the same everywhere", 1.01),
        ("a picture whose places are found", "given", 1.3),
    ]
    return Results(ways={SUM: shown(60, 80), **ways}, alone=shown(100, 90), places=places, costs=costs)


def test_methods_win_by_their_pictures_alone() -> None:
    ways = {
        "ties": shown(61, 80),  # one picture is chance
        "dare": shown(90, 60),  # looks at the cost of subjects
        "ssr": shown(75, 82),
        "composite": shown(95, 95, burn=1.5),  # burns
        "switch:every=1": shown(50, 80),
        "switch:every=2": shown(60, 95),
        "balance=block": shown(99, 99),
    }
    assert winners(results(ways)) == ["ssr", "switch"]


def test_every_promise_is_told_with_its_figure() -> None:
    found = bars(results({"balance=block": shown(96, 80, burn=0.9), "balance=mix": shown(90, 80, burn=1.2)}))
    assert [bar.kept for bar in found] == [True, True, True, True, False, False, True, True]
    assert [bar.kept for bar in bars(results({}, regions=84, auto=73))][:2] == [False, False]
    well = bars(results({SUM: shown(97, 80), "balance=block": shown(94, 80, burn=0.9)}))
    assert [bar.kept for bar in well][2] is None  # the sum does not give fewer
    assert "the sum 10 % (6 to 17)" in found[0].figure


def test_each_half_is_judged_by_its_own_look() -> None:
    left = torch.tensor([[0.9, 0.1], [0.9, 0.7], [0.1, 0.9], [0.9, 0.1]])
    right = torch.tensor([[0.1, 0.9], [0.6, 0.9], [0.9, 0.1], [0.1, 0.4]])
    found = placed(left, right, ("a", "b"), ("a", "b"), [(1, 1), (1, 11), (1, 1), (1, 1)], BASE)
    assert [(one.right, one.bleeds, one.subjects) for one in found] == [
        (True, False, True),
        (True, True, False),
        (False, True, True),
        (False, False, True),
    ]


def test_the_page_and_the_table_of_methods_say_what_won(tmp_path: Path) -> None:
    page, module = tmp_path / "page.md", tmp_path / "evidence.py"
    page.write_text((ROOT / "docs" / "blending.md").read_text(encoding="utf-8"), encoding="utf-8")
    module.write_text(Path(evidence.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    told = results({way.name: shown(60, 80) for way in WAYS if way.name != SUM} | {"ssr": shown(90, 80)})
    put(page, markdown(told, "A note."), winners(told))
    write_evidence(module, winners(told))
    text = page.read_text(encoding="utf-8")
    assert 'BEAT_THE_SUM: tuple[str, ...] = ("ssr",)' in module.read_text(encoding="utf-8")
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `") and "arXiv" in line}
    assert {name for name, line in rows.items() if line.endswith("| experimental |")} == rows.keys() - {SUM, "ssr"}
    assert "- `ssr` beats the sum: looks +30 points" in text
    assert "- `ties` does not beat the sum" in text
    put(page, "again", ())
    assert text.count(BEGIN) == page.read_text(encoding="utf-8").count(BEGIN) == text.count(END) == 1
    assert marked("| `other` | a table | of | other | things |", ()) == "| `other` | a table | of | other | things |"


def test_what_is_experimental_follows_from_the_results() -> None:
    path = ROOT / "benchmarks" / "blends" / "results.json"
    won = set(evidence.BEAT_THE_SUM)
    assert {row.name for row in METHODS if not row.experimental} == {SUM, *won}
    assert won <= {way.method for way in WAYS}
    if path.exists():
        assert won <= json.loads(path.read_text(encoding="utf-8"))["ways"].keys() | won
    else:
        assert not won


class Stopped(Exception):
    """A run that ended."""


class Draws:
    """Stands for a mixer: draws grey pictures and may end in the midst of them."""

    def __init__(self, most: int) -> None:
        self.most, self.drawn = most, list[int]()

    def render_many(self, requests: list[RenderRequest], *, batch: int) -> Iterator[Any]:
        assert batch == 1
        for request in requests:
            if len(self.drawn) == self.most:
                raise Stopped
            self.drawn.append(request.seed or 0)
            yield Image.new("RGB", (4, 4), (len(self.drawn), 0, 0))


def test_a_run_goes_on_where_it_was_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "report", lambda *_: None)
    asked = [RenderRequest("x", seed=seed) for seed in range(5)]
    first, then, last = Draws(3), Draws(9), Draws(0)
    with pytest.raises(Stopped):
        kept.drawn(first, tmp_path, asked)  # type: ignore[arg-type]
    with (tmp_path / kept.TIMES).open("a") as times:
        times.write('{"seed": "3", "sec')  # as a kill leaves it
    (tmp_path / kept.TIMES).write_text((tmp_path / kept.TIMES).read_text() + "\n")
    done = kept.drawn(then, tmp_path, asked)  # type: ignore[arg-type]
    assert (first.drawn, then.drawn) == ([0, 1, 2], [3, 4])
    assert done.seconds >= 0
    (tmp_path / kept.TIMES).unlink()
    assert torch.equal(kept.drawn(last, tmp_path, asked).pictures, done.pictures)  # type: ignore[arg-type]


def test_a_smaller_evaluation_is_a_part_of_a_larger_one() -> None:
    assert cases(3, 1)[:3] == cases(8, 4)[:3]
    assert cases(3, 1)[3] == cases(8, 4)[8]
    assert all(len(set(case.looks)) == len(case.looks) for case in cases(8, 4))


def test_two_subjects_have_no_word_in_common() -> None:
    pairs = neighbours(["cat face", "dog face", "red fox", "cat"])
    assert all(not set(left.split()) & set(right.split()) for left, right in pairs)
    assert len(pairs) == 4
    asked = Case(("line_art", "sepia")).placed("auto places", "cat", "red fox")
    assert asked.prompt == "a cat on the left, a red fox on the right"
    assert [(one.mask, one.words, one.loras[0].name) for one in asked.regions] == [
        (None, "cat", "line_art"),
        (None, "red fox", "sepia"),
    ]
    assert rate([]).percent == 0.0
