"""Switch, W-Switch and Composite on the embedded model: equations, records, batches, the pristine weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lora_mixer import LoraUse, Mixer, RenderedImage, RenderOptions, RenderRequest, Strength
from lora_mixer.errors import RequestError
from lora_mixer.hires import Hires
from lora_mixer.images.record import RenderRecord
from lora_mixer.mixer import rerender
from lora_mixer.mixes import Curve, Rectangle

LOOKS = {"line_art": 0.8, "night_sky": 0.7}
TEXT = "cat, line art, night sky"
SMALL: dict[str, Any] = {"seed": 3, "steps": 4, "width": 64, "height": 64}
METHODS = ("switch:every=1", "w_switch:every=2", "composite", "w_composite")


def pixels(picture: RenderedImage) -> np.ndarray[Any, Any]:
    return np.asarray(picture.image).astype(int)


@pytest.fixture(scope="module")
def drawn(mixer: Mixer) -> dict[str, RenderedImage]:
    return {method: mixer.render(TEXT, loras=LOOKS, method=method, **SMALL) for method in METHODS}


@pytest.mark.parametrize("method", METHODS)
def test_the_record_names_the_method_and_gives_the_same_pixels_again(
    mixer: Mixer, drawn: dict[str, RenderedImage], method: str
) -> None:
    picture = drawn[method]
    assert picture.record.settings.method.startswith(method)
    assert any("experimental" in note for note in picture.record.notes)
    again = rerender(mixer, RenderRecord.from_json(picture.record.to_json()))
    assert np.array_equal(pixels(again), pixels(picture))


@pytest.mark.parametrize("method", METHODS)
def test_both_engines_give_the_same_picture(mixer: Mixer, drawn: dict[str, RenderedImage], method: str) -> None:
    assert drawn[method].record.engine == "side"
    merged = mixer.render(TEXT, loras=LOOKS, method=method, options=RenderOptions(engine="merged"), **SMALL)
    assert np.abs(pixels(merged) - pixels(drawn[method])).max() <= 2


def test_switch_is_the_same_as_curves_drawn_by_hand(mixer: Mixer, drawn: dict[str, RenderedImage]) -> None:
    places = {use.placed.adapter.name: use.placed.adapter.digest for use in mixer.resolve(TEXT, loras=LOOKS).uses}
    first, second = sorted(LOOKS, key=places.__getitem__)
    thirds = [0.0, 1 / 3, 2 / 3, 1.0]
    turn = {
        name: Curve(points=list(zip(thirds, on, strict=True)))
        for name, on in ((first, (1, 0, 1, 0)), (second, (0, 1, 0, 1)))
    }  # type: ignore[arg-type]
    by_hand = [LoraUse(name, Strength(LOOKS[name], curve=turn[name])) for name in LOOKS]
    assert np.array_equal(pixels(mixer.render(TEXT, loras=by_hand, **SMALL)), pixels(drawn["switch:every=1"]))


def test_composite_is_the_mean_of_what_each_lora_predicts(mixer: Mixer) -> None:
    one = {**SMALL, "steps": 1}
    job = mixer.resolve(TEXT, loras=LOOKS, method="composite", cfg=3.0, **one)
    (segment,) = job.passes[0].segments
    assert [condition.weight for condition in (*segment.positive, *segment.negative)] == [0.5] * 4
    assert all(len(condition.stack) == 1 for condition in segment.positive)

    def predicted(asked: Any) -> torch.Tensor:
        from lora_mixer.pipeline.denoiser import Predictor

        passes, loaded = asked.passes, mixer.loaded
        with torch.no_grad():
            return Predictor(loaded, passes, loaded.plan(passes, "merged"))(
                torch.ones(1, loaded.model.latent_channels, 8, 8), torch.tensor(500.0), 0
            )

    alone = [predicted(mixer.resolve(TEXT, loras={name: s}, cfg=3.0, **one)) for name, s in LOOKS.items()]
    torch.testing.assert_close(predicted(job), torch.stack(alone).mean(0), rtol=1e-4, atol=1e-4)


def test_methods_share_a_batch_and_come_out_as_alone(mixer: Mixer, drawn: dict[str, RenderedImage]) -> None:
    requests = [RenderRequest(TEXT, loras=LOOKS, method=method, **SMALL) for method in METHODS]  # type: ignore[arg-type]
    together = list(mixer.render_many(requests, batch=4))
    assert {picture.record.batch_size for picture in together} == {4}
    for method, picture in zip(METHODS, together, strict=True):
        assert np.abs(pixels(picture) - pixels(drawn[method])).max() <= 2


def test_masks_and_tags_and_a_lora_for_the_negative_prompt_work_with_every_method(mixer: Mixer) -> None:
    left = Strength(0.8, mask=Rectangle(left=0, top=0, right=0.5, bottom=1))
    requests = [
        RenderRequest(
            f"{TEXT} <lora:sepia:0.4> <mix:{method}>",
            negative="<lora:warm_cold:0.5> blurry",
            loras=(LoraUse("line_art", left),),
            **{**SMALL, "steps": 3},
        )
        for method in METHODS
    ]
    assert all(np.asarray(picture.image).std() > 0 for picture in mixer.render_many(requests))


def test_a_second_pass_takes_turns_of_its_own(mixer: Mixer) -> None:
    request = RenderRequest(TEXT, loras=LOOKS, method="switch:every=2", hires=Hires(scale=2, steps=2), **SMALL)  # type: ignore[arg-type]
    points = [
        [len(one.strength.curve.points) for one in each.stacks[0].placed] for each in mixer.resolve(request).passes
    ]  # type: ignore[union-attr]
    assert points == [[4, 4], [2, 2]]


def test_a_mask_and_a_method_without_a_side_path_do_not_share_a_batch(mixer: Mixer) -> None:
    left = Strength(0.8, mask=Rectangle(left=0, top=0, right=0.5, bottom=1))
    masked = RenderRequest(TEXT, loras=(LoraUse("line_art", left),), **SMALL)
    ties = RenderRequest(TEXT, loras=LOOKS, method="ties", **SMALL)  # type: ignore[arg-type]
    assert [picture.record.engine for picture in mixer.render_many([ties, masked], batch=2)] == ["merged", "side"]


def test_what_blends_predictions_is_not_baked_and_says_so(mixer: Mixer, tmp_path: Path) -> None:
    for method in METHODS:
        with pytest.raises(RequestError, match=r"weights hold one mix.*sum"):
            mixer.bake(TEXT, tmp_path / "x.safetensors", loras=LOOKS, method=method)
    assert mixer.bake(TEXT, tmp_path / "one.safetensors", loras={"line_art": 0.5}, method="switch")
