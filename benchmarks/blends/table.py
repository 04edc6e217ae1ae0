"""The table of all ways, and the contact sheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.blends.cases import SUM
from training.sheets import grid, save_small

BEGIN, END = "<!-- eval-blend: begin -->", "<!-- eval-blend: end -->"
HEAD = ("way", "all looks seen", "the look seen least", "subject kept", "burn", "time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The means of a way over all cases: percent, deviations, seconds."""

    way: str
    every: float
    least: float
    subject: float
    burn: float
    seconds: float


def markdown(lines: Sequence[Line], note: str) -> str:
    """Return the table, with what wins and what loses against the sum said in words."""
    plain = next(line for line in lines if line.way == SUM)
    rows = [" | ".join(HEAD), " | ".join("---" for _ in HEAD)]
    for line in lines:
        name = line.way if " " in line.way else f"`{line.way}`"
        rows.append(
            f"{name} | {line.every:.0f} % | {line.least:.0f} % | {line.subject:.0f} % | {line.burn:.2f} | "
            f"{line.seconds / plain.seconds:.2f}"
        )
    return "\n".join((note, "", *(f"| {row} |" for row in rows), "", *verdicts(lines)))


def verdicts(lines: Sequence[Line]) -> list[str]:
    """Return what each way wins and loses against the sum."""
    plain = next(line for line in lines if line.way == SUM)
    said = []
    for line in lines:
        if line.way == SUM or " " in line.way:
            continue
        better = {
            "looks": line.every - plain.every,
            "subjects": line.subject - plain.subject,
        }
        parts = [f"{what} {by:+.0f} points" for what, by in better.items()]
        said.append(f"- `{line.way}`: {', '.join(parts)}, burn {line.burn - plain.burn:+.2f}.")
    return said


def put(page: Path, text: str) -> None:
    """Put a text between the marks of a page.

    Raises:
        ValueError: The page has no marks.
    """
    whole = page.read_text(encoding="utf-8")
    before, _, rest = whole.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{page} has no {BEGIN} ... {END}")
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def contact_sheet(rows: Mapping[str, Sequence[Tensor]], path: Path) -> None:
    """Save a sheet with a row a way and a column a case: the first picture (3, H, W) of each."""
    columns = max(map(len, rows.values()))
    pictures = torch.stack([picture for row in rows.values() for picture in row])
    labels = [name if k == 0 else "" for name, row in rows.items() for k in range(len(row))]
    save_small(grid(pictures, labels, columns), path)
