"""Draw, measure, and write the table of docs/blending.md. `make eval-blend`, or `python -m benchmarks.blends --prompts 4`.

It goes on where it was ended: pictures and the detector are kept. The artwork it measures against is fetched by the first run.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from statistics import mean

import torch

from benchmarks.blends.cases import WAYS, Case, cases, subjects
from benchmarks.blends.measures import Scores, floors, scores
from benchmarks.blends.pictures import Gallery
from benchmarks.blends.table import Line, contact_sheet, markdown, put
from lora_mixer import Mixer
from training import artwork
from training.artwork import load_emoji
from training.captions import names_of
from training.measures.detector import EXAMPLES, Detector, make_detector
from training.measures.dressed import STEPS
from training.measures.retrieval import ranks
from training.painter import open_painter
from training.paths import ROOT, WORK
from training.progress import report
from training.subjects import subject_ids
from training.wardrobe import NAMES, Wardrobe

PAGE = ROOT / "docs" / "blending.md"
SHEET = ROOT / "docs" / "images" / "blends.png"
RESULTS = ROOT / "benchmarks" / "blends" / "results.json"


def main() -> None:
    """Evaluate at the size that is asked for."""
    options = _options()
    torch.set_num_threads(options.threads)
    artwork.main()
    detector = make_detector(open_painter(), max(2, round(EXAMPLES * options.detector)))
    names = subjects(options.prompts)
    mixer = Mixer.open(threads=options.threads)
    gallery = Gallery(mixer, options.folder, names)
    plain = gallery.plain(max(40, 2 * options.prompts))
    base = floors(plain, detector.amounts(plain), NAMES)
    chosen = cases(options.pairs, options.triples)
    lines, sheet, rows = [], {}, []
    real = {case: _dressed(case) for case in chosen}
    wanted = _places(names)
    for way in WAYS:
        found: dict[Case, list[Scores]] = defaultdict(list)
        seconds, shown = [], []
        for case in chosen:
            for drawn in gallery.take(way, case):
                places = ranks(drawn.pictures, real[case], wanted)
                amounts = detector.amounts(drawn.pictures)
                found[case].append(scores(drawn.pictures, amounts, NAMES, case.looks, places, base))
                seconds.append(drawn.seconds)
            shown.append(gallery.take(way, case)[0].pictures[0])
            rows += [{"way": way.name, "case": case.name, **asdict(one)} for one in found[case]]
        sheet[way.name] = shown
        every = [one for each in found.values() for one in each]
        lines.append(
            Line(
                way=way.name,
                every=mean(one.every for one in every),
                least=mean(min(one.each.values()) for one in every),
                subject=mean(one.subject for one in every),
                burn=mean(one.burn for one in every),
                seconds=mean(seconds),
            )
        )
        report("eval-blend", f"{way.name}: {lines[-1]}")
    text = markdown(lines, _note(options, mixer, detector, len(chosen)))
    print(text)
    if options.write:
        RESULTS.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        contact_sheet(sheet, SHEET)
        put(PAGE, text)


def _dressed(case: Case) -> torch.Tensor:
    """Return all subjects' artwork in the looks of a case, (subjects, 3, H, W)."""
    wardrobe, rows = Wardrobe(), subject_ids(load_emoji())
    amounts = torch.zeros(len(rows), len(NAMES))
    for look in case.looks:
        amounts[:, NAMES.index(look)] = 1
    for look, missing in wardrobe.without(rows).items():
        amounts[missing, NAMES.index(look)] = 0
    return wardrobe.dress(rows, amounts, torch.ones(len(rows), 3))


def _places(names: list[str]) -> list[int]:
    emoji = load_emoji()
    known = [names_of(emoji[row])[0] for row in subject_ids(emoji)]
    return [known.index(name) for name in names]


def _note(options: argparse.Namespace, mixer: Mixer, detector: Detector, count: int) -> str:
    trust = mean((*detector.artwork.accuracy.values(), *detector.painted.accuracy.values()))
    return (
        f"Model {mixer.model.digest[:10]}, {options.pairs} pairs and {count - options.pairs} triples of its LoRAs at "
        f"strength 1, {options.prompts} prompts each, {STEPS} steps. The detector was trained with "
        f"{options.detector:.0%} of its examples and tells {trust:.0f} % of looks on subjects it never saw. Time is "
        "processor time of a picture against the sum's; burn is in deviations of the base's own pictures, beside what one "
        "LoRA alone does."
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=100, help="prompts of each case")
    parser.add_argument("--pairs", type=int, default=8, help="pairs of looks")
    parser.add_argument("--triples", type=int, default=4, help="triples of looks")
    parser.add_argument("--detector", type=float, default=1.0, help="share of the examples the detector learns from")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=WORK / "blends", help="where pictures are kept")
    parser.add_argument("--write", action="store_true", help="write docs/blending.md, its sheet and results.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
