"""Eight strengths of one LoRA, 256x256, 4 steps, bfloat16: the denoising alone. `python -m benchmarks.sweep`.

Ours is two batches of four pictures, each row with its own strength; the peer moves the strength and renders one
picture after the other. Both call the same UNet; text encoding and decoding are the same for both and left out.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.report import Row, finish, medians, row
from benchmarks.sd15 import kohya_lora, mix, opened, pipeline, sd15
from benchmarks.step_overhead import unet_step
from lora_mixer.apply import SideEngine

STRENGTHS = tuple(n * 0.2 for n in range(8))
STEPS = 4
BATCH = 4


def measure(repetitions: int = 1) -> list[Row]:
    """Return our time against diffusers with PEFT."""
    model = sd15()
    with tempfile.TemporaryDirectory() as folder:
        file = kohya_lora(model, Path(folder) / "a.safetensors", rank=32, seed=0)
        adapter, side = opened(model, file), SideEngine(model)
        batch, single = unet_step(model, rows=2 * BATCH), unet_step(model, rows=2)

        def ours() -> None:
            for start in range(0, len(STRENGTHS), BATCH):
                stacks = [mix([adapter], [strength]) for strength in STRENGTHS[start : start + BATCH]]
                for _ in range(STEPS):
                    with side.applied([*stacks, *stacks], parts=("unet",)):
                        batch()

        (our_time,) = medians([ours], repetitions=repetitions)
        with side.applied([mix([], [])], parts=("unet",)):
            pass
        pipe = pipeline(model)
        pipe.load_lora_weights(str(file), adapter_name="a")

        def theirs() -> None:
            for strength in STRENGTHS:
                pipe.set_adapters(["a"], [strength])
                for _ in range(STEPS):
                    single()

        (peer_time,) = medians([theirs], repetitions=repetitions)
    return [row("8 strengths, 4 steps, denoising", our_time, "diffusers + PEFT, bf16", peer_time, bar=0.75)]


if __name__ == "__main__":
    finish(measure())
