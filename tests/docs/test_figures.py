"""The figures in docs/performance.md are those that were measured."""

from __future__ import annotations

import json

import pytest

from benchmarks.figures import DOCUMENT, RESULTS, written
from benchmarks.report import Row

ROWS = [Row(**row) for row in json.loads(RESULTS.read_text(encoding="utf-8"))]


def test_the_table_is_the_one_of_the_last_measurement() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert written(document, ROWS) == document


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.measure}, {row.peer}")
def test_a_bar_is_said_to_hold_exactly_where_it_does(row: Row) -> None:
    assert row.ratio == pytest.approx(row.ours / row.peer_value)
    assert row.holds == (None if row.bar is None else row.ratio <= row.bar)
