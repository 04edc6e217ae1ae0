"""The table of all ways, the bars, what is marked experimental, and the contact sheets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from benchmarks.blends.cases import SUM
from benchmarks.blends.counting import rate
from benchmarks.blends.results import Results, Shown, against, bars
from training.sheets import grid, save_small

BEGIN, END = "<!-- eval-blend: begin -->", "<!-- eval-blend: end -->"
HEAD = ("way", "all looks seen", "the look seen least", "subject kept", "burn", "time")
PLACES_HEAD = (
    "two subjects, a LoRA each",
    "right look on the right one",
    "looks that bleed",
    "both subjects kept",
    "time",
)
ALONE = "one LoRA alone"
WORDS = {True: "kept", False: "**missed**", None: "does not apply"}
"""What a table says of a promise."""
EVIDENCE = re.compile(r"(?m)^BEAT_THE_SUM: tuple\[str, \.\.\.\] = \(.*\)$")


def markdown(results: Results, note: str) -> str:
    """Return the tables, what each way wins and loses against the sum in words, and the bars."""
    plain = results.ways[SUM]
    ways = [_row(f"`{name}`", way, plain) for name, way in results.ways.items()]
    return "\n".join(
        (
            note,
            "",
            *_table(HEAD, [ways[0], _row(ALONE, results.alone, plain), *ways[1:]]),
            "",
            *verdicts(results),
            "",
            *_table(PLACES_HEAD, _placed(results)),
            "",
            *_table(
                ("promised", "measured", ""),
                [(bar.promise, bar.figure, WORDS[bar.kept]) for bar in bars(results)],
            ),
            "",
            "![a way a row, a mix a column](images/blends.png)",
            "",
            "![two subjects: the sum, regions, places that are found](images/blends-places.png)",
        )
    )


def verdicts(results: Results) -> list[str]:
    """Return what each way wins and loses against the sum, on the same pictures."""
    plain, said = results.ways[SUM], []
    for name, way in results.ways.items():
        if name == SUM:
            continue
        found = against(way, plain)
        looks, subjects = (a.percent - b.percent for a, b in ((way.every, plain.every), (way.subject, plain.subject)))
        word = "beats the sum" if found.beats else "does not beat the sum"
        said.append(
            f"- `{name}` {word}: looks {looks:+.0f} points ({found.looks:+.1f} deviations), subjects {subjects:+.0f} "
            f"({found.subjects:+.1f}), burn {way.burn - plain.burn:+.2f} ({found.burn:+.1f})."
        )
    return said


def _row(name: str, way: Shown, plain: Shown) -> tuple[str, ...]:
    time = f"{way.seconds / plain.seconds:.2f}"
    return name, str(way.every), f"{way.least:.0f} %", str(way.subject), f"{way.burn:.2f}", time


def _placed(results: Results) -> list[tuple[str, ...]]:
    plain = results.places[SUM]
    return [
        (
            f"`{name}`" if name == SUM else name,
            str(rate([one.right for one in way.canvases])),
            str(rate([one.bleeds for one in way.canvases])),
            str(rate([one.subjects for one in way.canvases])),
            f"{way.seconds / plain.seconds:.2f}",
        )
        for name, way in results.places.items()
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = (head, ["---"] * len(head), *rows)
    return [f"| {' | '.join(line)} |" for line in lines]


def put(page: Path, text: str, winning: Sequence[str]) -> None:
    """Put a text between the marks of a page, and mark the methods of its table that did not win.

    Raises:
        ValueError: The page has no marks.
    """
    whole = page.read_text(encoding="utf-8")
    before, _, rest = whole.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{page} has no {BEGIN} ... {END}")
    head = "\n".join(marked(line, winning) for line in before.split("\n"))
    page.write_text(f"{head}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def marked(line: str, winning: Sequence[str]) -> str:
    """Return a line of the table of methods, marked experimental or not; any other line as it is.

    >>> marked("| `ssr` | Fits them. arXiv | | `side` | experimental |", ["ssr"])
    '| `ssr` | Fits them. arXiv | | `side` | |'
    """
    named = re.match(r"\| `(\w+)` \|", line)
    if named is None or "arXiv" not in line:
        return line
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    cells[-1] = "" if named[1] in {SUM, *winning} else "experimental"
    return " ".join(f"| {' | '.join(cells)} |".split())


def write_evidence(path: Path, winning: Sequence[str]) -> None:
    """Write which methods beat the sum into the module that says so."""
    said = "".join(f'"{name}", ' for name in winning).strip()
    whole = path.read_text(encoding="utf-8")
    path.write_text(EVIDENCE.sub(f"BEAT_THE_SUM: tuple[str, ...] = ({said})", whole), encoding="utf-8")


def contact_sheet(rows: Mapping[str, Sequence[Tensor]], path: Path) -> Image.Image:
    """Save a sheet with a row a way and a column a case: the first picture (3, H, W) of each."""
    columns = max(map(len, rows.values()))
    pictures = torch.stack([picture for row in rows.values() for picture in row])
    labels = [name if k == 0 else "" for name, row in rows.items() for k in range(len(row))]
    sheet = grid(pictures, labels, columns)
    save_small(sheet, path)
    return sheet
