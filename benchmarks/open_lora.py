"""A 150 MB kohya LoRA: open, check and map every key, and the same until it can act. `python -m benchmarks.open_lora`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.machine import seconds_per_byte
from benchmarks.report import Row, finish, medians, row
from benchmarks.sd15 import kohya_lora, mix, opened, pipeline, sd15
from lora_mixer.blend import SideEngine
from lora_mixer.modules import DENOISER


def measure(repetitions: int = 9) -> list[Row]:
    """Return our times against diffusers' `load_lora_weights`; the file lies in the page cache for both."""
    model = sd15()
    with tempfile.TemporaryDirectory() as folder:
        file = kohya_lora(model, Path(folder) / "wide.safetensors", rank=128, seed=0)

        size = file.stat().st_size

        def ready() -> None:
            stack = mix([opened(model, file)], [1.0])
            with SideEngine(model).applied([stack], parts=(DENOISER, "te1")):
                pass

        (mapped,) = medians([lambda: opened(model, file)], repetitions=repetitions)
        (acting,) = medians([ready], repetitions=repetitions)
    with tempfile.TemporaryDirectory() as folder:
        model = sd15(tuned=False)
        file = kohya_lora(model, Path(folder) / "wide.safetensors", rank=128, seed=0)
        pipe = pipeline(model)

        def theirs() -> None:
            pipe.load_lora_weights(str(file), adapter_name="wide")
            pipe.delete_adapters("wide")

        (peer_time,) = medians([theirs], repetitions=repetitions)
    limit = size * seconds_per_byte()
    return [
        row(
            "150 MB LoRA opened, checked, mapped",
            mapped,
            "diffusers load_lora_weights",
            peer_time,
            bar=1 / 20,
            limit=limit,
        ),
        row(
            "the same, standing beside the model",
            acting,
            "diffusers load_lora_weights",
            peer_time,
            bar=0.2,
            limit=limit,
        ),
    ]


if __name__ == "__main__":
    finish(measure())
