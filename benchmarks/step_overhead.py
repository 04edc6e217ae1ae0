"""What LoRAs cost in one UNet step, 256x256, batch 2, bfloat16. `python -m benchmarks.step_overhead`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.report import Row, finish, medians, row
from benchmarks.sd15 import kohya_lora, mix, opened, pipeline, sd15
from lora_mixer.apply import MergeEngine, SideEngine
from lora_mixer.models import Model

NAMES = ("a", "b", "c")
STRENGTHS = [0.3, 0.8, 0.5]
PEER = "the same step without a LoRA"


def measure(repetitions: int = 5) -> list[Row]:
    """Return the steps with three LoRAs against the step without, on the side path, merged and with PEFT."""
    model = sd15()
    with tempfile.TemporaryDirectory() as folder:
        files = [
            kohya_lora(model, Path(folder) / f"{name}.safetensors", rank=32, seed=n) for n, name in enumerate(NAMES)
        ]
        adapters = [opened(model, file) for file in files]
        stack, nothing = mix(adapters, STRENGTHS), mix([], [])
        side, merge, plain = SideEngine(model), MergeEngine(model, cache_mb=0), unet_step(model, rows=2)

        def beside() -> None:
            with side.applied([stack, stack], parts=("unet",)):
                plain()

        def none() -> None:
            with side.applied([nothing, nothing], parts=("unet",)):
                plain()

        def merged() -> None:
            with merge.applied([stack], parts=("unet",)):
                plain()

        base, ours, swapped = medians([none, beside, merged], repetitions=repetitions)
        none()
        pipe = pipeline(model)
        for name, file in zip(NAMES, files, strict=True):
            pipe.load_lora_weights(str(file), adapter_name=name)
        pipe.set_adapters(list(NAMES), STRENGTHS)
        pipe.disable_lora()

        def with_peft() -> None:
            pipe.enable_lora()
            plain()

        def without() -> None:
            pipe.disable_lora()
            plain()

        peer_base, peer = medians([without, with_peft], repetitions=repetitions)
    overhead, theirs = ours / base - 1, peer / peer_base - 1
    return [
        row("step with 3 LoRAs on the side path", ours, PEER, base, bar=1.07),
        row("the same, overhead as a share of the step", overhead, "PEFT's overhead", theirs, bar=0.4),
        row("step with 3 LoRAs merged", swapped, PEER, base, bar=1.03),
    ]


def unet_step(model: Model, *, rows: int, size: int = 32) -> Callable[[], object]:
    """Return one forward of the UNet on latents of size x size."""
    rng = torch.Generator().manual_seed(1)
    latents = torch.randn(rows, 4, size, size, generator=rng).to(model.dtype)
    text = torch.randn(rows, 77, 768, generator=rng).to(model.dtype)
    timestep = torch.tensor(500)

    @torch.no_grad()
    def step() -> object:
        return model.unet(latents, timestep, encoder_hidden_states=text, return_dict=False)

    return step


if __name__ == "__main__":
    finish(measure())
