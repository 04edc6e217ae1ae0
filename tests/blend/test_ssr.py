"""SSR-Merge: its equation, what it is made for, and its laws on the embedded model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lora_mixer import LoraUse, Mixer, RenderedImage, RenderOptions, RenderRequest, Strength
from lora_mixer.blend.ssr import router
from lora_mixer.images.record import RenderRecord
from lora_mixer.mixer import differences, rerender
from lora_mixer.models import helpful_threads
from lora_mixer.pipeline import Calibrations
from tests.support.hooks import pre_hooks

LOOKS = {"line_art": 0.8, "top_hat": 0.7}
SMALL: dict[str, Any] = {"seed": 3, "steps": 2, "width": 64, "height": 64}


def pixels(picture: RenderedImage) -> np.ndarray[Any, Any]:
    return np.asarray(picture.image).astype(int)


def squares(*runs: Tensor) -> list[Tensor]:
    return [(z.T @ z / len(z)).double() for z in runs]


def test_the_matrix_is_the_papers_where_the_ridge_is_small() -> None:
    torch.manual_seed(0)
    runs, ranks = [torch.randn(40, 5), torch.randn(40, 5), torch.randn(40, 5)], [2, 1, 2]
    g = sum(z.T @ z for z in runs)
    q = torch.cat([(z.T @ z)[low:high] for z, (low, high) in zip(runs, ((0, 2), (2, 3), (3, 5)), strict=True)])
    torch.testing.assert_close(router(squares(*runs), ranks, ridge=1e-8), q @ torch.linalg.inv(g), rtol=1e-3, atol=1e-4)


def test_what_two_runs_bring_is_told_apart_where_it_can_be() -> None:
    torch.manual_seed(1)
    first, second = (
        torch.randn(60, 1) @ torch.randn(1, 4) for _ in range(2)
    )  # all adapters hear both, each in its own way
    matrix = router(squares(first, second), [2, 2], ridge=1e-8)
    torch.testing.assert_close(first @ matrix.T, torch.cat([first[:, :2], torch.zeros(60, 2)], 1), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(
        second @ matrix.T, torch.cat([torch.zeros(60, 2), second[:, 2:]], 1), rtol=1e-3, atol=1e-3
    )


def test_the_scale_of_a_files_factors_changes_nothing() -> None:
    torch.manual_seed(2)
    runs, scale = [torch.randn(30, 4), torch.randn(30, 4)], torch.tensor([1.0, 1.0, 1000.0, 0.001])
    plain, scaled = (router(squares(*(z * by for z in runs)), [2, 2], ridge=0.01) for by in (torch.ones(4), scale))
    torch.testing.assert_close(scaled / scale[:, None] * scale, plain, rtol=1e-3, atol=1e-4)


@pytest.fixture(scope="module")
def fitted(mixer: Mixer) -> RenderedImage:
    return mixer.render("cat", loras=LOOKS, method="ssr", **SMALL)


def test_the_record_holds_the_matrices_digest_and_the_same_pixels_come_again(
    mixer: Mixer, fitted: RenderedImage
) -> None:
    (digest,) = fitted.record.matrices
    assert len(digest) == 64
    again = RenderRecord.from_json(fitted.record.to_json())
    mixer.cache.take(mixer.models_file.model(mixer.model_name)).calibrations.forget()
    redrawn = rerender(mixer, again)
    assert np.array_equal(pixels(redrawn), pixels(fitted))
    assert redrawn.record.matrices == fitted.record.matrices
    assert differences(mixer, again) == ()
    other = RenderRecord.from_json(fitted.record.to_json().replace(digest, "0" * 64))
    assert any("matrices" in said for said in differences(mixer, other))
    assert not np.array_equal(pixels(mixer.render("cat", loras=LOOKS, **SMALL)), pixels(fitted))


def test_one_lora_is_that_lora_and_strength_0_is_off_and_order_changes_nothing(
    mixer: Mixer, fitted: RenderedImage
) -> None:
    def drawn(loras: dict[str, float], method: str = "ssr") -> Any:
        picture = mixer.render("cat", loras=loras, method=method, **SMALL)
        return picture.record.matrices, pixels(picture).tolist()

    plain = drawn({"line_art": 0.8}, "sum")
    assert plain[0] == ()
    assert drawn({"line_art": 0.8}) == plain
    assert drawn({"line_art": 0.8, "top_hat": 0.0}) == plain
    assert drawn(dict(reversed(LOOKS.items()))) == (fitted.record.matrices, pixels(fitted).tolist())


def test_the_matrix_hangs_on_the_loras_alone_and_is_made_once(mixer: Mixer, fitted: RenderedImage) -> None:
    asked = RenderRequest("sun", loras={"line_art": 0.2, "top_hat": 0.9}, method="ssr", **{**SMALL, "seed": 9})  # type: ignore[arg-type]
    assert mixer.resolve(asked).matrices == fitted.record.matrices


def test_the_matrix_does_not_hang_on_the_threads_a_mixer_was_opened_with(mixer: Mixer, fitted: RenderedImage) -> None:
    session = mixer.cache.take(mixer.models_file.model(mixer.model_name))
    loaded = replace(session.loaded, defaults=replace(session.loaded.defaults, threads=2))
    measuring = replace(session.measuring, calibrations=Calibrations(loaded))
    mix = measuring.placed([LoraUse(name, Strength(1.0)) for name in LOOKS])
    counts = set()
    handle = mixer.model.denoiser.network.register_forward_pre_hook(lambda *_: counts.add(torch.get_num_threads()))
    try:
        adapters = sorted((one.adapter for one in mix), key=lambda adapter: adapter.digest)
        _, digest = measuring.routed(adapters, fitted.record.settings, ridge=1e-4)
    finally:
        handle.remove()
    assert counts == {helpful_threads(mixer.model.denoiser.network)}
    assert (digest,) == fitted.record.matrices


def test_both_engines_and_a_baked_lora_and_a_batch_give_the_same_picture(
    mixer: Mixer, fitted: RenderedImage, tmp_path: Path
) -> None:
    beside = mixer.render("cat", loras=LOOKS, method="ssr", options=RenderOptions(engine="side"), **SMALL)
    assert np.abs(pixels(beside) - pixels(fitted)).max() <= 2
    path = tmp_path / "ssr.safetensors"
    mixer.bake("cat", path, loras=LOOKS, method="ssr", rank=64, dtype="float32")
    assert np.abs(pixels(mixer.render("cat", loras={str(path): 1.0}, **SMALL)) - pixels(fitted)).max() <= 2
    requests = [RenderRequest("cat", loras=LOOKS, method=method, **SMALL) for method in ("ssr", "sum", "composite")]  # type: ignore[arg-type]
    together = list(mixer.render_many(requests, batch=3))
    assert np.abs(pixels(together[0]) - pixels(fitted)).max() <= 2


def test_the_pristine_weights_and_no_hook_survive_a_calibration_that_breaks(
    mixer: Mixer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, hooks = mixer.model.checksum(), _hooks(mixer)
    mixer.cache.take(mixer.models_file.model(mixer.model_name)).calibrations.forget()
    with monkeypatch.context() as patch:
        patch.setattr(type(mixer.model.denoiser), "__call__", _broken)
        with pytest.raises(KeyboardInterrupt):
            mixer.resolve("cat", loras={"line_art": 1.0, "pixel_art": 1.0}, method="ssr")
    assert mixer.model.checksum() == before
    assert _hooks(mixer) == hooks
    assert mixer.resolve("cat", loras={"line_art": 1.0, "pixel_art": 1.0}, method="ssr").matrices


def _broken(*_: object) -> None:
    raise KeyboardInterrupt


def _hooks(mixer: Mixer) -> int:
    return sum(len(pre_hooks(module)) for module in mixer.model.denoiser.network.modules())
