"""One of three rank-32 LoRAs moved, merged, bfloat16, until the next step may run. `python -m benchmarks.slider_merged`."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

from benchmarks.machine import seconds_per_byte, seconds_per_flop
from benchmarks.report import Row, finish, medians, row
from benchmarks.sd15 import kohya_lora, mix, opened, pipeline, sd15
from lora_mixer.blend import MergeEngine
from lora_mixer.models import Model
from lora_mixer.modules import DENOISER

NAMES = ("a", "b", "c")
PARTS = (DENOISER, "te1")


def measure(repetitions: int = 3) -> list[Row]:
    """Return our time against diffusers' unfuse, set and fuse, and against the machine's limit."""
    model = sd15()
    values = itertools.count(1)
    with tempfile.TemporaryDirectory() as folder:
        files = [
            kohya_lora(model, Path(folder) / f"{name}.safetensors", rank=32, seed=n) for n, name in enumerate(NAMES)
        ]
        adapters = [opened(model, file) for file in files]
        engine = MergeEngine(model, cache_mb=0)

        def ours() -> None:
            stack = mix(adapters, [next(values) / 100, 0.8, 0.5])
            with engine.applied([stack], parts=PARTS):
                pass

        limit_time = limit(model)
        (our_time,) = medians([ours], repetitions=max(repetitions, 5))
        pipe = pipeline(sd15(tuned=False))
        for name, file in zip(NAMES, files, strict=True):
            pipe.load_lora_weights(str(file), adapter_name=name)
        pipe.set_adapters(list(NAMES), [0.3, 0.8, 0.5])
        pipe.fuse_lora(adapter_names=list(NAMES))

        def theirs() -> None:
            pipe.unfuse_lora()
            pipe.set_adapters(list(NAMES), [next(values) / 100, 0.8, 0.5])
            pipe.fuse_lora(adapter_names=list(NAMES))

        (peer_time,) = medians([theirs], repetitions=repetitions)
    title = "slider, merged, 3 LoRAs, bf16"
    return [
        row(title, our_time, "diffusers unfuse, set_adapters, fuse", peer_time, bar=1 / 15, limit=limit_time),
        row(title, our_time, "limit: product at peak, and copy", limit_time, bar=1.3, limit=limit_time),
    ]


def limit(model: Model, ranks: int = 96) -> float:
    """Return the seconds that the copy of the patched weights and the multiplications take at the machine's best."""
    elements = sum(
        spec.weight[0] * spec.weight[1]
        for spec in model.index
        if spec.name.part in PARTS
        and (".attentions." in spec.name.path or ".layers." in spec.name.path)
        and len(spec.weight) in (2, 4)
    )
    return 2 * elements * ranks * seconds_per_flop() + elements * model.dtype.itemsize * seconds_per_byte()


if __name__ == "__main__":
    finish(measure())
