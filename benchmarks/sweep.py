"""Eight strengths of one LoRA, 256x256, 4 steps: the denoising alone. `python -m benchmarks sweep`.

Ours is one batch of eight pictures with guidance, each row with its own strength, in the dtype we choose on this machine;
the peers move the strength and render one picture after the other, in diffusers' default dtype and in bfloat16. Text
encoding and decoding are left out.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from benchmarks.machine import flops_of, seconds_per_flop
from benchmarks.report import Row, finish, medians, row
from benchmarks.sd15 import kohya_lora, mix, opened, pipeline, sd15, unet_step
from lora_mixer.blend import SideEngine
from lora_mixer.kernels import retain_heap
from lora_mixer.models.device import choose_dtype
from lora_mixer.modules import DENOISER

STRENGTHS = tuple(n * 0.2 for n in range(8))
STEPS = 4


def measure(repetitions: int = 1) -> list[Row]:
    """Return our time against diffusers with PEFT."""
    with tempfile.TemporaryDirectory() as folder:
        model = sd15(choose_dtype(torch.device("cpu")))
        file = kohya_lora(model, Path(folder) / "a.safetensors", rank=32, seed=0)
        adapter, side = opened(model, file), SideEngine(model)
        stacks = [mix([adapter], [strength]) for strength in STRENGTHS]
        batch = unet_step(model, rows=2 * len(STRENGTHS))

        def ours() -> None:
            for _ in range(STEPS):
                with side.applied([*stacks, *stacks], parts=(DENOISER,)):
                    batch()

        with retain_heap():  # as within a render
            (our_time,) = medians([ours], repetitions=repetitions)
        theirs = {dtype: _theirs(file, dtype, repetitions) for dtype in (torch.float32, torch.bfloat16)}
    flops = flops_of(unet_step(sd15(tuned=False), rows=2 * len(STRENGTHS), tuned=False))
    limit = STEPS * flops * seconds_per_flop(model.dtype)
    title = f"{len(STRENGTHS)} strengths, {STEPS} steps, denoising, {str(model.dtype).removeprefix('torch.')}"
    return [
        row(title, our_time, "diffusers + PEFT, its default float32", theirs[torch.float32], bar=0.3, limit=limit),
        row(title, our_time, "diffusers + PEFT, bfloat16", theirs[torch.bfloat16], bar=0.75, limit=limit),
    ]


def _theirs(file: Path, dtype: torch.dtype, repetitions: int) -> float:
    """Return the seconds diffusers takes, one picture after the other."""
    model = sd15(dtype, tuned=False)
    pipe, step = pipeline(model), unet_step(model, rows=2, tuned=False)
    pipe.load_lora_weights(str(file), adapter_name="a")
    step()  # warms up; a whole round for that would take minutes

    def loop() -> None:
        for strength in STRENGTHS:
            pipe.set_adapters(["a"], [strength])
            for _ in range(STEPS):
                step()

    return medians([loop], repetitions=repetitions, warm=False)[0]


if __name__ == "__main__":
    finish(measure())
