"""Measure the shipped weights, print the table, and write ``training/results.json``.

The pictures measured against are drawn from the artwork packages, so the first run fetches those.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from training import artwork
from training.adapters.recipes import find_recipe
from training.measures import adapters, base
from training.measures.result import Result
from training.painter import Painter, open_painter
from training.paths import RESULTS
from training.progress import report


def measure_base(painter: Painter, part: float) -> list[Result]:
    """Everything about the base model, on ``part`` of the full number of samples."""
    return [
        *base.colours(painter, int(200 * part)),
        *base.subjects(painter, int(300 * part)),
        *base.negatives(painter, int(60 * part)),
        *base.reconstruction(painter),
        *base.speed(painter),
    ]


def measure_adapters(painter: Painter, part: float) -> list[Result]:
    """Everything about adapters and embedding, on ``part`` of the full number of samples."""
    opened = adapters.open_adapters(painter)
    detectors = {name: adapters.make_detector(painter, find_recipe(name).data) for name in opened}
    return [
        *adapters.strengths(painter, opened, detectors, int(15 * part)),
        *adapters.blends(painter, opened, detectors, int(12 * part)),
        *adapters.slider(painter, opened, int(20 * part)),
        *adapters.embedding(painter, int(60 * part)),
    ]


def as_row(result: Result) -> dict[str, object]:
    """One object of ``results.json``."""
    return {
        "measure": result.measure,
        "value": round(result.value, 3),
        "unit": result.unit,
        "bar": result.bar,
        "holds": result.holds,
        "samples": result.samples,
        "note": result.note,
    }


def table(results: list[Result]) -> str:
    """The results as a Markdown table."""
    lines = ["| measure | value | bar | holds | samples | note |", "|---|---|---|---|---|---|"]
    for one in results:
        bar = "-" if one.bar is None else f"{one.bar:g} {one.unit}"
        held = "-" if one.bar is None else ("yes" if one.holds else "**no**")
        lines.append(f"| {one.measure} | {one.value:.1f} {one.unit} | {bar} | {held} | {one.samples} | {one.note} |")
    return "\n".join(lines)


def evaluate(part: float = 1.0, target: Path | None = RESULTS) -> list[Result]:
    """Measure everything and write the results, unless ``target`` is None."""
    artwork.main()
    painter = open_painter()
    results = measure_base(painter, part)
    report("evaluate", f"base measured\n{table(results)}")
    results += measure_adapters(painter, part)
    if target is not None:
        target.write_text(json.dumps([as_row(one) for one in results], indent=2) + "\n")
    return results


def main() -> None:
    """Evaluate at full size, or with ``--quick`` at a tenth of it without writing results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the samples; results.json stays as it is")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    results = evaluate(0.1, None) if options.quick else evaluate()
    report("evaluate", f"all measured\n{table(results)}")


if __name__ == "__main__":
    main()
