"""The pictures of the protocol, each in a file of its own: what is there is not drawn again."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.blends.cases import Case, Way, trigger
from lora_mixer import Mixer, RenderRequest
from lora_mixer.mixer import RequestOptions
from lora_mixer.mixer.asked import as_request
from training.measures.dressed import STEPS
from training.progress import report

STRENGTH = 1.0
TIMES = "seconds.jsonl"
WIDE: RequestOptions = {"width": 256, "height": 128}
"""The canvas of two subjects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The pictures of a way and a case: (N, 3, H, W) in 0..1, and the processor time of one."""

    pictures: Tensor
    seconds: float


class Gallery:
    """Draws and keeps pictures.

    Args:
        mixer: The open model.
        folder: Where; a folder of its own for each model and each set of LoRAs.
        subjects: Prompt and seed are a subject and its place in here.
        looks: All LoRAs that take part.
    """

    def __init__(self, mixer: Mixer, folder: Path, subjects: Sequence[str], looks: Sequence[str]) -> None:
        self._mixer = mixer
        self._subjects = tuple(subjects)
        self.folder = folder / _digest(mixer, looks)

    def plain(self, count: int) -> Tensor:
        """Return pictures without any LoRA, of seeds that no case has."""
        names = [self._subjects[k % len(self._subjects)] for k in range(count)]
        return self._drawn("plain", [self._request(name, 10_000 + k, {}) for k, name in enumerate(names)]).pictures

    def plain_canvases(self, pairs: Sequence[tuple[str, str]]) -> Tensor:
        """Return canvases of two subjects without any LoRA, of seeds that no case has."""
        said = [f"a {left} on the left, a {right} on the right" for left, right in pairs]
        return self._drawn("plain-wide", [self._request(one, 20_000 + k, WIDE) for k, one in enumerate(said)]).pictures

    def alone(self, look: str) -> Drawn:
        """Return the pictures of one LoRA by itself, which all cases share."""
        said = [
            self._request(f"{subject}, {trigger(look)}", seed, {"loras": {look: STRENGTH}})
            for seed, subject in self._seeds()
        ]
        return self._drawn(f"alone/{look}", said)

    def take(self, way: Way, case: Case) -> Drawn:
        """Return a way's pictures of a case."""
        loras = dict.fromkeys(case.looks, STRENGTH)
        asked = [
            self._request(case.prompt(subject), seed, {"loras": loras, **way.settings})
            for seed, subject in self._seeds()
        ]
        return self._drawn(f"{way.name.replace(':', '-')}/{case.name}", asked)

    def placed(self, way: str, case: Case, pairs: Sequence[tuple[str, str]]) -> Drawn:
        """Return canvases of two subjects with a look each."""
        asked = [self._request(case.placed(way, *pair), seed, WIDE) for seed, pair in enumerate(pairs)]
        return self._drawn(f"wide {way}/{case.name}", asked)

    def _seeds(self) -> Iterator[tuple[int, str]]:
        return iter(enumerate(self._subjects))

    def _request(self, asked: RenderRequest | str, seed: int, fields: RequestOptions) -> RenderRequest:
        return as_request(asked, {**fields, "seed": seed, "steps": STEPS, "upscale": 1})

    def _drawn(self, name: str, asked: Sequence[RenderRequest]) -> Drawn:
        return drawn(self._mixer, self.folder / name, asked)


def _digest(mixer: Mixer, looks: Sequence[str]) -> str:
    """Return what pictures are kept by: the model, the LoRAs and the steps."""
    uses = mixer.resolve("x", loras=dict.fromkeys(looks, STRENGTH)).uses
    said = "".join((mixer.model.digest, *sorted(use.sha256 for use in uses), str(STEPS)))
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def drawn(mixer: Mixer, folder: Path, asked: Sequence[RenderRequest]) -> Drawn:
    """Return the pictures of requests whose seeds are all different; those that lie in the folder are not drawn again.

    Each picture's time is written before the picture gets its name, so that a run may end anywhere.
    """
    files = [folder / f"{request.seed}.png" for request in asked]
    missing = [(file, request) for file, request in zip(files, asked, strict=True) if not file.exists()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        began = time.process_time()
        with (folder / TIMES).open("a", encoding="utf-8") as times:
            for (file, _), picture in zip(missing, mixer.render_many([r for _, r in missing], batch=1), strict=True):
                times.write(json.dumps({"seed": file.stem, "seconds": time.process_time() - began}) + "\n")
                times.flush()
                picture.save(file)
                began = time.process_time()
    seconds = _seconds(folder / TIMES, {file.stem for file in files})
    if missing:
        report("drawn", f"{folder.parent.name}/{folder.name}: {len(missing)} pictures, {seconds:.2f} s each")
    return Drawn(pictures=torch.stack(list(_opened(files))), seconds=seconds)


def _seconds(path: Path, seeds: set[str]) -> float:
    """Return the middle of the times of some pictures; lines that a kill tore are passed over."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            said = json.loads(line)
            found[said["seed"]] = float(said["seconds"])
        except (ValueError, TypeError, KeyError):
            continue
    times = sorted(seconds for seed, seconds in found.items() if seed in seeds)
    return times[len(times) // 2] if times else float("nan")


def _opened(files: Sequence[Path]) -> Iterator[Tensor]:
    for file in files:
        with Image.open(file) as image:
            yield torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 255
