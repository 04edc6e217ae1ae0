"""What LoRAs cost in one UNet step, 256x256, batch 2, bfloat16. `python -m benchmarks step_overhead`.

Ours and the peer's overhead are seconds a step, each over the same networks without a LoRA: ours with the
kernels of a render, the peer's as diffusers leaves them. Steps with and without take turns, each held against its neighbour.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.machine import lora_flops, seconds_per_flop
from benchmarks.report import Row, beyond_the_first, finish, row
from benchmarks.sd15 import kohya_lora, mix, opened, pipeline, sd15, unet_step
from lora_mixer.blend import MergeEngine, SideEngine
from lora_mixer.kernels import retain_heap
from lora_mixer.modules import DENOISER

RANK = 32
STRENGTHS = [0.3, 0.8, 0.5, -0.2, 0.4]
BARS = {3: 0.4, 5: 0.35}
"""How many LoRAs -> the highest share of PEFT's overhead."""
PLAIN = "the same step without a LoRA"


def measure(repetitions: int = 7) -> list[Row]:
    """Return the steps with three and five LoRAs against the step without, on the side path, merged and with PEFT."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        model = sd15()
        files = [kohya_lora(model, Path(folder) / f"{n}.safetensors", rank=RANK, seed=n) for n in range(len(STRENGTHS))]
        ours = {count: _ours(files[:count], repetitions) for count in BARS}
        theirs = _theirs(files, repetitions)
    for count, bar in BARS.items():
        base, overhead, merged, limit = ours[count]
        title = f"step with {count} LoRAs"
        rows += [
            row(f"{title} beside it: overhead", overhead, "PEFT's overhead", theirs[count], bar=bar, limit=limit),
            row(
                f"{title} beside it", base + overhead, PLAIN, base, bar=1.07 if count == 3 else None, limit=base + limit
            ),
            row(f"{title} merged", base + merged, PLAIN, base, bar=1.03),
        ]
    return rows


def _ours(files: list[Path], repetitions: int) -> tuple[float, float, float, float]:
    """Return the seconds of a step without LoRAs, those beyond it with them beside it, merged; and the overhead's limit."""
    model = sd15()
    adapters = [opened(model, file) for file in files]
    stack, nothing = mix(adapters, STRENGTHS[: len(files)]), mix([], [])
    side, merge, step = SideEngine(model), MergeEngine(model, cache_mb=0), unet_step(model, rows=2)

    def beside() -> None:
        with side.applied([stack, stack], parts=(DENOISER,)):
            step()

    def none() -> None:
        with side.applied([nothing, nothing], parts=(DENOISER,)):
            step()

    def merged() -> None:
        with merge.applied([stack], parts=(DENOISER,)):
            step()

    with retain_heap():  # as within a render
        base, overhead, swapped = beyond_the_first([none, beside, merged], repetitions=repetitions)
    none()
    names = frozenset(name.path for name in adapters[0].layers if name.part == DENOISER)
    limit = lora_flops(model.denoiser.network, step, RANK * len(files), names) * seconds_per_flop()
    return base, overhead, swapped, limit


def _theirs(files: list[Path], repetitions: int) -> dict[int, float]:
    """Return by count of LoRAs the seconds that they add to a step in diffusers with PEFT."""
    model = sd15(tuned=False)
    pipe, step = pipeline(model), unet_step(model, rows=2, tuned=False)
    names = [file.stem for file in files]
    for name, file in zip(names, files, strict=True):
        pipe.load_lora_weights(str(file), adapter_name=f"lora{name}")

    found = {}
    for count in BARS:
        pipe.set_adapters([f"lora{name}" for name in names[:count]], STRENGTHS[:count])
        turns = [pipe.disable_lora, pipe.enable_lora]
        _, found[count] = beyond_the_first([step, step], before=turns, repetitions=repetitions)
    return found


if __name__ == "__main__":
    finish(measure())
