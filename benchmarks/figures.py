"""The figures of docs/performance.md, written from results.json. `python -m benchmarks.figures`; `make bench` does it too."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.report import Row, table

RESULTS = Path(__file__).parent / "results.json"
DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
UNTOLD = "two cores that others used too, before rows named their machine"
BEGIN, END = "<!-- figures: python -m benchmarks.figures -->", "<!-- end of figures -->"


def written(document: str, rows: list[Row]) -> str:
    """Return the document with the table of these rows between its two markers, and what they were measured on."""
    before, rest = document.split(BEGIN)
    after = rest.split(END)[1]
    machines = "\n".join(f"- {machine}" for machine in sorted({row.machine or UNTOLD for row in rows}))
    return f"{before}{BEGIN}\n\n{table(rows)}\n\nMeasured on:\n\n{machines}\n\n{END}{after}"


def write() -> None:
    """Write the table into the document."""
    rows = [Row(**row) for row in json.loads(RESULTS.read_text(encoding="utf-8"))]
    DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8"), rows), encoding="utf-8")


if __name__ == "__main__":
    write()
