"""The pictures of the protocol, each in a file of its own: what is there is not drawn again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.blends.cases import Case, Way
from lora_mixer import Mixer, RenderRequest
from training.measures.dressed import STEPS
from training.progress import report

STRENGTH = 1.0
TIMES = "seconds.json"


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
    """

    def __init__(self, mixer: Mixer, folder: Path, subjects: Sequence[str]) -> None:
        self._mixer = mixer
        self._subjects = tuple(subjects)
        self._folder = folder / mixer.model.digest[:12]

    def plain(self, count: int) -> Tensor:
        """Return pictures without any LoRA, of seeds that no case has."""
        asked = [
            RenderRequest(self._subjects[k % len(self._subjects)], seed=10_000 + k, steps=STEPS) for k in range(count)
        ]
        return self._drawn("plain", asked).pictures

    def take(self, way: Way, case: Case) -> list[Drawn]:
        """Return a way's pictures of a case; of a way that is each LoRA alone, one set a LoRA."""
        if way.alone:
            return [self._take(Way(name=f"alone/{look}"), case, (look,)) for look in case.looks]
        return [self._take(way, case, case.looks)]

    def _take(self, way: Way, case: Case, looks: Sequence[str]) -> Drawn:
        loras = dict.fromkeys(looks, STRENGTH)
        asked = [
            RenderRequest(case.prompt(subject), seed=seed, steps=STEPS, loras=loras, **way.settings)  # type: ignore[arg-type]
            for seed, subject in enumerate(self._subjects)
        ]
        return self._drawn(f"{way.name.replace(':', '-')}/{case.name}", asked)

    def _drawn(self, name: str, asked: Sequence[RenderRequest]) -> Drawn:
        return drawn(self._mixer, self._folder / name, asked)


def drawn(mixer: Mixer, folder: Path, asked: Sequence[RenderRequest]) -> Drawn:
    """Return the pictures of requests whose seeds are all different; those that lie in the folder are not drawn again."""
    files = [folder / f"{request.seed}.png" for request in asked]
    missing = [(file, request) for file, request in zip(files, asked, strict=True) if not file.exists()]
    if missing:
        began = time.process_time()
        for (file, _), picture in zip(missing, mixer.render_many([r for _, r in missing], batch=1), strict=True):
            picture.save(file)
        seconds = (time.process_time() - began) / len(missing)
        (folder / TIMES).write_text(json.dumps(seconds), encoding="utf-8")
        report("drawn", f"{folder.name}: {len(missing)} pictures, {seconds:.2f} s each")
    seconds = json.loads((folder / TIMES).read_text(encoding="utf-8"))
    return Drawn(pictures=torch.stack(list(_opened(files))), seconds=seconds)


def _opened(files: Sequence[Path]) -> Iterator[Tensor]:
    for file in files:
        with Image.open(file) as image:
            yield torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 255
