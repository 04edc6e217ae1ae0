"""The embedded model after 1,000 random mixes, errors and cancels on both engines. `python -m benchmarks.pristine`."""

from __future__ import annotations

import random
from contextlib import suppress

from benchmarks.report import Row, finish, row
from benchmarks.sd15 import DATA, mix, opened
from lora_mixer import Mixer
from lora_mixer.blend import MergeEngine, SideEngine
from lora_mixer.errors import CancelledError
from lora_mixer.modules import DENOISER


def measure(mixes: int = 1000) -> list[Row]:
    """Return how many of the checksums taken on the way differ from the first."""
    model = Mixer.open("emoji", dtype="bfloat16").model
    adapters = [opened(model, file) for file in sorted((DATA / "emoji" / "loras").glob("*.safetensors"))]
    engines = (MergeEngine(model, cache_mb=64), SideEngine(model))
    before, dice, changed = model.checksum(), random.Random(0), 0
    for number in range(1, mixes + 1):
        chosen = dice.sample(adapters, dice.randint(1, 3))
        stack = mix(chosen, [dice.uniform(-2, 2) for _ in chosen])
        outcome = dice.choice([None, ValueError("error"), CancelledError("cancel")])
        with suppress(ValueError, CancelledError), dice.choice(engines).applied([stack], parts=(DENOISER, "te1")):
            if outcome is not None:
                raise outcome
        if number % 100 == 0:
            changed += model.checksum() != before
    return [row(f"checksum, {mixes} mixes: 1 + differing", 1.0 + changed, "the pristine model", 1.0, bar=1.0)]


if __name__ == "__main__":
    finish(measure())
