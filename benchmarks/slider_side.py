"""One of three rank-32 LoRAs moved, on the side path, until the next step may run. `python -m benchmarks.slider_side`."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

from benchmarks.report import Row, finish, medians, row
from benchmarks.sd15 import kohya_lora, mix, opened, pipeline, sd15
from lora_mixer.blend import SideEngine
from lora_mixer.modules import DENOISER

NAMES = ("a", "b", "c")


def measure(repetitions: int = 30) -> list[Row]:
    """Return our time against diffusers' `set_adapters`."""
    model = sd15()
    values = itertools.cycle([0.3, 0.9, 0.6])
    with tempfile.TemporaryDirectory() as folder:
        files = [
            kohya_lora(model, Path(folder) / f"{name}.safetensors", rank=32, seed=n) for n, name in enumerate(NAMES)
        ]
        adapters = [opened(model, file) for file in files]
        side = SideEngine(model)

        def ours() -> None:
            stack = mix(adapters, [next(values), 0.8, 0.5])
            with side.applied([stack, stack], parts=(DENOISER,)):
                pass

        (our_time,) = medians([ours], repetitions=repetitions)
        pipe = pipeline(sd15(tuned=False))
        for name, file in zip(NAMES, files, strict=True):
            pipe.load_lora_weights(str(file), adapter_name=name)
        (peer_time,) = medians(
            [lambda: pipe.set_adapters(list(NAMES), [next(values), 0.8, 0.5])], repetitions=repetitions
        )
    return [row("slider, side path, 3 LoRAs", our_time, "diffusers set_adapters", peer_time, bar=1 / 20)]


if __name__ == "__main__":
    finish(measure())
