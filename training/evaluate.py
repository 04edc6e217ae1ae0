"""Measure the shipped weights, print the table, and write ``training/results.json``.

The pictures measured against are drawn from the artwork packages, so the first run fetches those.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from training import artwork
from training.measures import adapters, base, negative
from training.measures.detector import EXAMPLES, make_detector
from training.measures.result import Result
from training.painter import Painter, open_emoji, painter_of
from training.paths import DATA, RESULTS
from training.progress import report
from training.wearing import Wearing


def measure_base(painter: Painter, part: float) -> list[Result]:
    """Everything about the base model, on ``part`` of the full number of samples."""
    return [
        *base.colours(painter, _some(200, part)),
        *base.subjects(painter, _some(300, part)),
        *base.pairs(painter, _some(100, part)),
        *base.negatives(painter, _some(60, part)),
        *base.reconstruction(painter),
        *base.speed(painter),
    ]


def measure_adapters(painter: Painter, worn: Wearing, part: float) -> list[Result]:
    """Everything about adapters and embedding, on ``part`` of the full number of samples."""
    detector = make_detector(painter, _some(EXAMPLES, part))
    return [
        *adapters.detection(detector),
        *adapters.strengths(painter, worn, detector, _some(50, part)),
        *adapters.keeping(painter, worn, _some(50, part)),
        *adapters.blends(painter, worn, detector, _some(14, part)),
        *adapters.sliders(painter, worn, _some(20, part)),
        *adapters.few_steps(painter, worn, _some(100, part)),
        *negative.embedding(painter, _some(60, part)),
    ]


def _some(count: int, part: float) -> int:
    return max(2, round(count * part))


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
    model = open_emoji()
    painter, worn = painter_of(model), Wearing(model, DATA / "loras")
    results = measure_base(painter, part)
    report("evaluate", f"base measured\n{table(results)}")
    results += measure_adapters(painter, worn, part)
    if target is not None:
        target.write_text(json.dumps([as_row(one) for one in results], indent=2) + "\n")
    return results


def main() -> None:
    """Evaluate at full size, or a part of it without writing results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", type=float, default=1.0, help="share of the samples; below 1 nothing is written")
    parser.add_argument("--write", action="store_true", help="write the results of a part as well")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    results = evaluate(options.part, RESULTS if options.write or options.part >= 1 else None)
    report("evaluate", f"all measured\n{table(results)}")


if __name__ == "__main__":
    main()
