"""What places in the picture cost, on the embedded model in float32: `BENCH_CLOCK=cpu python -m benchmarks regions`.

A masked LoRA against the same LoRA everywhere, both beside the weights; a picture of two and of three regions against one of one
prompt; a picture whose places are found against one whose places are given, which says what the probe costs. Renders take turns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

from benchmarks.report import Row, finish, medians, row
from lora_mixer import LoraUse, Mixer, Rectangle, Region, Strength
from lora_mixer.mixer import RequestOptions
from lora_mixer.render_options import RenderOptions

STEPS, SIDE = 10, 128
BESIDE = RenderOptions(engine="side", threads=1)
LEFT, RIGHT = (Rectangle(left=x, top=0, right=x + 0.5, bottom=1) for x in (0.0, 0.5))
PETS = "a red heart and a cat"
THINGS = (("red heart", LEFT, "night_sky"), ("cat", RIGHT, "line_art"))


def measure(repetitions: int = 5) -> list[Row]:
    """Return what masks, regions and the probe cost."""
    mixer = Mixer.open("emoji", dtype="float32")

    def draw(prompt: str, **wish: Unpack[RequestOptions]) -> Callable[[], object]:
        fields: RequestOptions = {"seed": 7, "steps": STEPS, "width": SIDE, "height": SIDE, "upscale": 1, **wish}
        return lambda: mixer.render(prompt, options=BESIDE, **fields)

    given = [Region(mask=mask, words=words, loras=(LoraUse(name),)) for words, mask, name in THINGS]
    sought = [Region(mask=None, words=words, loras=(LoraUse(name),)) for words, _, name in THINGS]
    halves = [Region("red heart", mask=LEFT), Region("sun", mask=RIGHT)]
    corner = Region("pig", mask=Rectangle(left=0, top=0, right=0.5, bottom=0.5))
    plain, everywhere, masked, two, three, placed, probed = medians(
        [
            draw("cat"),
            draw("cat", loras={"line_art": 1}),
            draw("cat", loras=[LoraUse("line_art", Strength(1, mask=LEFT))]),
            draw("cat", regions=halves),
            draw("cat", regions=[*halves, corner]),
            draw(PETS, regions=given),
            draw(PETS, regions=sought),
        ],
        repetitions=repetitions,
    )
    return [
        row("a picture with a masked LoRA", masked, "the same LoRA everywhere", everywhere, bar=1.03),
        row("a picture of two regions", two, "a picture of one prompt", plain),
        row("a picture of three regions", three, "a picture of one prompt", plain),
        row("a picture whose two places are found", probed, "the same with places that are given", placed),
    ]


if __name__ == "__main__":
    finish(measure())
