"""docs/kinds.md says what the table of kinds says."""

from __future__ import annotations

import re
from pathlib import Path

from lora_mixer.adapters import KINDS
from lora_mixer.adapters import side as side_forms

PAGE = (Path(__file__).parents[2] / "docs" / "kinds.md").read_text(encoding="utf-8")


def names_in(cell: str) -> set[str]:
    return set(re.findall(r"`([a-z0-9_]+)`", cell))


def rows_under(heading: str) -> list[list[str]]:
    part = PAGE.split(heading)[1].split("\n\n|", 1)[1].split("\n\n")[0]
    return [line.split("|")[1:-1] for line in part.splitlines()[1:] if line.startswith("| ")]


def test_the_page_has_a_row_for_each_kind_with_its_core_slots_and_whether_it_reads_w0() -> None:
    rows = rows_under("## The table")
    assert [names_in(row[0]) for row in rows] == [{kind.name} for kind in KINDS]
    for row, kind in zip(rows, KINDS, strict=True):
        assert names_in(row[2]) == set().union(*kind.form.cores)
        assert row[4].strip() == ("no" if kind.linear else "yes")


def test_the_page_says_which_kinds_take_which_modifier() -> None:
    said = {kind.name: set() for kind in KINDS}
    for modifiers, kinds, _ in rows_under("What may come on top:"):
        for name in kinds.split(","):
            said[name.strip()] |= names_in(modifiers)
    assert said == {kind.name: set(kind.form.modifiers) for kind in KINDS}


def test_the_page_lists_every_slot_and_no_other() -> None:
    listed = set().union(*(names_in(row[0]) for row in rows_under("## Slots and the endings in files")))
    assert listed == set().union(*(form | kind.form.modifiers for kind in KINDS for form in kind.form.cores))


def test_the_page_lists_every_term_of_a_side_form() -> None:
    terms = set(re.findall(r"\| `([A-Z]\w+)`", PAGE))
    assert terms == {term.__name__ for term in side_forms.SideTerm.__args__}
