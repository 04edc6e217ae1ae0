"""CFG++: the samplers beneath where there is no guidance, its equation where there is; and the whole way to a picture."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from lora_mixer.sampling import NoiseSource, find_sampler, sample, starting_noise
from lora_mixer.sampling.levels import levels_of
from tests.support.normal_data import TRAINED


class Guided:
    """A denoiser whose guided prediction is `pull` beside that of the negative prompt."""

    def __init__(self, pull: float) -> None:
        self.pull = pull

    def __call__(self, latents: Tensor, timestep: Tensor, step: int) -> Tensor:
        self.negative = torch.tanh(latents)
        return self.negative + self.pull * latents.roll(1, -1)


def drawn(name: str, pull: float, steps: int = 6) -> Tensor:
    sources = [NoiseSource(5)]
    start = starting_noise(sources, (4, 6, 5))
    *_, last = sample(Guided(pull), start, find_sampler(name, "Karras"), TRAINED, steps, sources)
    return last.latents


@pytest.mark.parametrize("plain", ["Euler", "Euler a", "DPM++ 2M"])
def test_without_guidance_it_is_the_sampler_beneath(plain):
    torch.testing.assert_close(drawn(f"{plain} CFG++", 0.0), drawn(plain, 0.0), rtol=1e-3, atol=1e-3)
    assert not torch.allclose(drawn(f"{plain} CFG++", 0.5), drawn(plain, 0.5), atol=1e-2)


def test_noise_is_put_back_as_the_negative_prompt_sees_it():
    """Two steps of Euler CFG++ by hand: x' = x - s e + t u, with e the guided noise and u the negative's."""
    start = starting_noise([NoiseSource(5)], (4, 6, 5))
    table = levels_of(TRAINED).table
    most, least = float(table[-1]), float(table[0])
    at, model = start * most, Guided(0.5)
    for now, to in ((most, least), (least, 0.0)):
        guided = model(at / math.sqrt(now**2 + 1), torch.tensor(0.0), 0)
        at = at - now * guided + to * model.negative
    torch.testing.assert_close(drawn("Euler CFG++", 0.5, steps=2), at, rtol=1e-4, atol=1e-4)


def test_a_picture_hears_its_negative_prompt_also_at_cfg_1(mixer):
    def pixels(sampler: str, cfg: float, negative: str) -> bytes:
        wish = {"seed": 3, "steps": 2, "width": 64, "height": 64, "schedule": "Karras"}
        return mixer.render("red heart", sampler=sampler, cfg=cfg, negative=negative, **wish).image.tobytes()

    assert pixels("Euler", 1.0, "blue") == pixels("Euler", 1.0, "green")
    assert pixels("Euler CFG++", 1.0, "blue") != pixels("Euler CFG++", 1.0, "green")
