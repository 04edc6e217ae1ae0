"""Draw, measure, and write the tables of docs/blending.md. `make eval-blend`, or `python -m benchmarks.blends --prompts 4`.

It goes on where it was ended: every picture and the detector are kept. The artwork it measures against is fetched by the first run.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmarks.blends.cases import PLACES, WAYS, Case, cases, placed_cases, subject_pairs, subjects
from benchmarks.blends.measures import Floors, Placed, Seen, floors, placed, seen
from benchmarks.blends.pictures import Gallery
from benchmarks.blends.results import PlacedShown, Results, Shown, winners
from benchmarks.blends.table import contact_sheet, markdown, put, write_evidence
from benchmarks.regions import measure as costs_of_regions
from lora_mixer import Mixer
from lora_mixer.choices import evidence
from training import artwork
from training.artwork import load_emoji
from training.captions import names_of
from training.measures.detector import EXAMPLES, Detector, make_detector
from training.measures.dressed import STEPS
from training.measures.retrieval import GRID, ranks
from training.painter import open_painter
from training.paths import ROOT, WORK
from training.progress import report
from training.subjects import subject_ids
from training.wardrobe import NAMES, Wardrobe

PAGE = ROOT / "docs" / "blending.md"
SHEET, PLACES_SHEET = (ROOT / "docs" / "images" / name for name in ("blends.png", "blends-places.png"))
RESULTS = ROOT / "benchmarks" / "blends" / "results.json"
LEAST_PLAIN = 40
"""Pictures without any LoRA that say when a look is seen, at least."""


class Evaluation:
    """Draws the pictures of some cases and measures them.

    Args:
        gallery: Where pictures are.
        detector: Tells looks.
        chosen: The cases.
        names: The subjects.
    """

    def __init__(self, gallery: Gallery, detector: Detector, chosen: list[Case], names: list[str]) -> None:
        self._gallery, self._detector, self._chosen, self._names = gallery, detector, chosen, names
        self._wanted = subject_places(names)
        self.sheet: dict[str, list[Tensor]] = {}
        self.wide: dict[str, list[Tensor]] = {}

    def run(self) -> Results:
        """Draw and measure everything; a line of progress for each way and case."""
        plain = self._gallery.plain(max(LEAST_PLAIN, 2 * len(self._names)))
        base = floors(plain, self._detector.amounts(plain), NAMES)
        alone = self._alone(base)
        ways = {}
        for way in WAYS:
            taken = [self._gallery.take(way, case) for case in self._chosen]
            self.sheet[way.name] = [one.pictures[0] for one in taken]
            shown = [
                one
                for case, drawn in zip(self._chosen, taken, strict=True)
                for one in self._seen(drawn.pictures, case.looks, base)
            ]
            ways[way.name] = Shown(pictures=shown, seconds=mean(one.seconds for one in taken))
            report("eval-blend", f"{way.name}: {ways[way.name].every} show all looks")
        return Results(ways=ways, alone=alone, places=self._places(), costs=_costs())

    def _alone(self, base: Floors) -> Shown:
        looks = sorted({look for case in self._chosen for look in case.looks})
        taken = [self._gallery.alone(look) for look in looks]
        shown = [
            one for look, drawn in zip(looks, taken, strict=True) for one in self._seen(drawn.pictures, (look,), base)
        ]
        return Shown(pictures=shown, seconds=mean(one.seconds for one in taken))

    def _seen(self, pictures: Tensor, looks: tuple[str, ...], base: Floors) -> list[Seen]:
        nearest = ranks(pictures, dressed(looks), self._wanted)
        return seen(pictures, self._detector.amounts(pictures), NAMES, looks, nearest, base)

    def _places(self) -> dict[str, PlacedShown]:
        pairs = subject_pairs(len(self._names))
        wide = self._gallery.plain_canvases(subject_pairs(max(LEAST_PLAIN // 2, len(pairs))))
        halves = torch.cat(_halves(wide))
        base = floors(halves, self._detector.amounts(halves), NAMES)
        two = placed_cases(sum(len(case.looks) == 2 for case in self._chosen))
        found = {}
        for way in PLACES:
            taken = [self._gallery.placed(way, case, pairs) for case in two]
            self.wide[way] = [one.pictures[0] for one in taken]
            canvases = [
                one
                for case, drawn in zip(two, taken, strict=True)
                for one in self._placed(drawn.pictures, case, pairs, base)
            ]
            found[way] = PlacedShown(canvases=canvases, seconds=mean(one.seconds for one in taken))
            report("eval-blend", f"two subjects, {way}: {mean(one.right for one in canvases):.0%} right")
        return found

    def _placed(self, pictures: Tensor, case: Case, pairs: Sequence[tuple[str, str]], base: Floors) -> list[Placed]:
        first, second = case.looks
        halves = _halves(pictures)
        sides = [subject_places([pair[side] for pair in pairs]) for side in (0, 1)]
        nearest = [
            ranks(half, dressed((look,)), wanted)
            for half, look, wanted in zip(halves, (first, second), sides, strict=True)
        ]
        left, right = (self._detector.amounts(half) for half in halves)
        return placed(left, right, NAMES, (first, second), list(zip(*nearest, strict=True)), base)


def _halves(canvases: Tensor) -> tuple[Tensor, Tensor]:
    """Return the left and the right halves of canvases (N, 3, H, 2 H)."""
    left, right = canvases.chunk(2, dim=-1)
    return left, right


def _costs() -> list[tuple[str, str, float]]:
    """Return what masks, regions and the probe cost, in processor time side by side."""
    return [(row.measure, row.peer, round(row.ratio, 3)) for row in costs_of_regions(repetitions=5)]


@cache
def dressed(looks: tuple[str, ...]) -> Tensor:
    """Return all subjects' artwork in some looks, (subjects, 3, GRID, GRID): as small as likeness is measured on."""
    wardrobe, rows = Wardrobe(), subject_ids(load_emoji())
    amounts = torch.zeros(len(rows), len(NAMES))
    for look in looks:
        amounts[:, NAMES.index(look)] = 1
    pictures = wardrobe.dress(rows, amounts, torch.ones(len(rows), 3))
    return F.interpolate(pictures, size=GRID, mode="area")


def subject_places(names: Sequence[str]) -> list[int]:
    """Return where subjects stand among all."""
    emoji = load_emoji()
    known = {names_of(emoji[row])[0]: number for number, row in enumerate(subject_ids(emoji))}
    return [known[name] for name in names]


def forwards(options: argparse.Namespace, chosen: list[Case]) -> int:
    """Return how many passes of one row of guidance through the network the whole evaluation takes, canvases counted double."""
    looks = sum(len(case.looks) for case in chosen)
    pictures = max(LEAST_PLAIN, 2 * options.prompts) + options.prompts * len(
        {look for case in chosen for look in case.looks}
    )
    for way in WAYS:
        pictures += options.prompts * (looks if way.rows else len(chosen))
    pairs = len(placed_cases(options.pairs))
    canvases = max(LEAST_PLAIN // 2, options.prompts) + options.prompts * pairs * len(PLACES)
    return STEPS * (pictures + 2 * canvases)


def main() -> None:
    """Evaluate at the size that is asked for."""
    options = _options()
    torch.set_num_threads(options.threads)
    chosen, names = cases(options.pairs, options.triples), subjects(options.prompts)
    report(
        "eval-blend",
        f"{len(chosen)} mixes, {len(names)} prompts: {forwards(options, chosen):,} forwards if nothing is kept",
    )
    artwork.main()
    detector = make_detector(open_painter(), max(2, round(EXAMPLES * options.detector)))
    mixer = Mixer.open(options.model, threads=options.threads)
    looks = {look for case in (*chosen, *placed_cases(options.pairs)) for look in case.looks}
    gallery = Gallery(mixer, options.folder, names, sorted(looks))
    evaluation = Evaluation(gallery, detector, chosen, names)
    results = evaluation.run()
    text, winning = markdown(results, _note(options, mixer, detector, len(chosen))), winners(results)
    for sheet, rows in (("blends.png", evaluation.sheet), ("places.png", evaluation.wide)):
        contact_sheet(rows, gallery.folder / sheet)
    (gallery.folder / "table.md").write_text(text + "\n", encoding="utf-8")
    report("eval-blend", f"table and sheets: {gallery.folder}")
    print(text)
    if options.write:
        RESULTS.write_text(json.dumps(results.plain()) + "\n", encoding="utf-8")
        contact_sheet(evaluation.sheet, SHEET)
        contact_sheet(evaluation.wide, PLACES_SHEET)
        put(PAGE, text, winning)
        write_evidence(Path(evidence.__file__), winning)


def _note(options: argparse.Namespace, mixer: Mixer, detector: Detector, count: int) -> str:
    trust = mean((*detector.artwork.accuracy.values(), *detector.painted.accuracy.values()))
    return (
        f"Model {mixer.model.digest[:10]}, {options.pairs} pairs and {count - options.pairs} triples of its LoRAs at "
        f"strength 1, {options.prompts} prompts each, {STEPS} steps. The detector was trained with "
        f"{options.detector:.0%} of its examples and tells {trust:.0f} % of looks on subjects it never saw. In brackets are "
        "95 % intervals (Wilson); deviations are McNemar's, on the same prompts and seeds; from 1.96 on a difference counts. Time "
        "is processor time of a picture against the sum's; burn is in deviations of the base's own pictures."
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=100, help="prompts of each case")
    parser.add_argument("--pairs", type=int, default=8, help="pairs of looks")
    parser.add_argument("--triples", type=int, default=4, help="triples of looks")
    parser.add_argument("--detector", type=float, default=1.0, help="share of the examples the detector learns from")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--model", default=None, help="another model than the shipped one, which the detector is trained for"
    )
    parser.add_argument("--folder", type=Path, default=WORK / "blends", help="where pictures are kept")
    parser.add_argument(
        "--write", action="store_true", help="write docs/blending.md, sheets, results and what is experimental"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
