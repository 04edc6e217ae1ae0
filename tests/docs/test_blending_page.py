"""docs/blending.md says what the table of methods says."""

from __future__ import annotations

from pathlib import Path

from lora_mixer.choices import METHODS

PAGE = (Path(__file__).parents[2] / "docs" / "blending.md").read_text(encoding="utf-8")


def test_the_page_has_the_table_of_methods() -> None:
    rows = []
    for row in METHODS:
        numbers = ", ".join(f"`{n.name}` {n.default:g} ({n.low:g} to {n.high:g})" for n in row.numbers)
        engines = "`merged`" if row.dense else "`merged`, `side`"
        cells = (
            f"`{row.name}`",
            f"{row.does} {row.source}.",
            numbers,
            engines,
            "experimental" if row.experimental else "",
        )
        rows.append("| " + " | ".join(cells) + " |")
    table = [" ".join(line.split()) for line in PAGE.splitlines() if line.startswith("| `") and "arXiv" in line]
    assert table == [" ".join(row.split()) for row in rows]
