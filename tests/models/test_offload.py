"""Weights that rest on the CPU: they visit the device while they compute, and both engines work on them.

No GPU was at hand. That nothing computes with tensors of two devices is shown on torch's meta device, which refuses
what a GPU would refuse; that the numbers are the same, on the CPU with copies standing for a device's.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from lora_mixer import Mixer, RenderRequest
from lora_mixer.errors import RequestError
from lora_mixer.models import open_model
from lora_mixer.models.offload import WORKING_BYTES, Offload, choose_offload
from lora_mixer.modules import DENOISER
from lora_mixer.request import ModelSource

WISHES = [
    RenderRequest(prompt="cat <lora:line_art:0.7>", seed=7, steps=2),
    RenderRequest(prompt="sun <lora:night_sky:1> <lora:top_hat:0.5>", seed=8, steps=2, clip_skip=2),
]


def pixels(mixer: Mixer) -> list[np.ndarray]:
    return [np.asarray(picture.image) for picture in mixer.render_many(WISHES, batch=1)]


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Copies that are copies, as on another device; how many were made."""
    made: list[int] = []
    whole = Tensor.to

    def to(tensor: Tensor, *arguments: object, **options: object) -> Tensor:
        if isinstance(tensor, Tensor) and arguments == (torch.device("cpu"),) and not options:
            made.append(tensor.numel())
            return tensor.clone()
        return whole(tensor, *arguments, **options)

    monkeypatch.setattr(Tensor, "to", to)
    return made


@pytest.mark.parametrize(("engine", "mode"), [("merged", "sequential"), ("side", "model")])
def test_pictures_are_the_same_and_weights_are_their_own_again(
    mixer: Mixer, mode: str, engine: str, copies: list[int]
) -> None:
    resting = Mixer.open("emoji", dtype="float32", engine=engine, offload=mode, device="cpu")
    tensors = {name: p.data_ptr() for name, p in resting.model.denoiser.network.named_parameters()}
    checksum = resting.model.checksum()
    assert checksum == mixer.model.checksum()
    plain = Mixer.open("emoji", dtype="float32", engine=engine, offload="none", device="cpu")
    for ours, wanted in zip(pixels(resting), pixels(plain), strict=True):
        assert np.array_equal(ours, wanted)
    assert {name: p.data_ptr() for name, p in resting.model.denoiser.network.named_parameters()} == tensors
    assert resting.model.checksum() == checksum
    assert copies


def test_a_network_is_copied_once_while_no_other_computes_and_every_time_module_by_module(copies: list[int]) -> None:
    counts: dict[str, list[int]] = {}
    weights = 0
    for mode in ("model", "sequential"):
        resting = Mixer.open("emoji", dtype="float32", engine="side", offload=mode, device="cpu")
        resting.render("cat", seed=7, steps=1)
        weights = sum(parameter.numel() for parameter in resting.model.denoiser.network.parameters())
        counts[mode] = []
        for steps in (1, 4):
            copies.clear()
            resting.render("cat", seed=7, steps=steps)
            counts[mode].append(sum(copies))
    once, again = counts["model"]
    assert once > weights
    assert again < once + weights / 10
    once, again = counts["sequential"]
    assert again > once + 2.5 * weights  # the text's keys and values are computed once a render


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("engine", ["merged", "side"])
def test_nothing_computes_with_tensors_of_two_devices(mixer: Mixer, engine: str, keep: bool) -> None:
    stack = mixer.resolve("cat <lora:line_art:0.7> <lora:night_sky:-0.3>").stacks[0]
    resting = Mixer.open("emoji", dtype="float32", engine=engine, offload="none", device="cpu")
    model, loaded = resting.model, resting.loaded
    model.offload = Offload({**model.parts, "vae": model.vae}, torch.device("meta"), keep=keep)
    applied = (loaded.merged if engine == "merged" else type(loaded.side)(model)).applied
    size = model.denoiser.network.config["sample_size"]
    latents = torch.zeros(1, model.latent_channels, size, size, device="meta")
    with torch.no_grad(), applied([stack], parts=(DENOISER, "te1")):
        ids = torch.zeros(1, 77, dtype=torch.long, device="meta")
        text = model.text_encoders["te1"](ids).last_hidden_state
        assert text.device.type == "meta"
        answer = model.denoiser.network(latents, torch.tensor(5, device="meta"), encoder_hidden_states=text).sample
        assert answer.device.type == "meta"
    assert model.vae.decode(latents).sample.device.type == "meta"
    assert model.device.type == "meta"
    assert all(parameter.device.type == "cpu" for part in model.parts.values() for parameter in part.parameters())


def test_weights_come_home_when_the_computation_breaks_off(embedded: Path) -> None:
    model = open_model(ModelSource(name="m", location=str(embedded / "model")), device="cpu", dtype="float32")
    Offload({"unet": model.denoiser.network}, torch.device("meta"), keep=True)
    with pytest.raises(RuntimeError), torch.no_grad():
        model.denoiser.network(
            torch.zeros(1, 4, 16, 16), 5, encoder_hidden_states=torch.zeros(1, 77, 128, device="meta")
        )
    assert all(parameter.device.type == "cpu" for parameter in model.denoiser.network.parameters())


def test_mixes_stand_beside_weights_that_visit_unless_somebody_wants_them_merged() -> None:
    assert Mixer.open("emoji", offload="model").render("cat <lora:line_art:1>", steps=20).record.engine == "side"


def test_what_is_compiled_cannot_visit() -> None:
    with pytest.raises(RequestError, match="compiled"):
        Mixer.open("emoji", offload="sequential", compiled=True)


@pytest.mark.parametrize(
    ("free", "wanted"),
    [
        (None, "none"),
        (WORKING_BYTES + 70, "none"),
        (WORKING_BYTES + 69, "model"),
        (WORKING_BYTES + 50, "model"),
        (WORKING_BYTES + 49, "sequential"),
    ],
)
def test_the_fastest_way_that_fits_is_taken(free: int | None, wanted: str) -> None:
    assert choose_offload("auto", {"unet": 50, "te1": 15, "vae": 5}, free) == wanted


def test_what_was_asked_for_is_taken_and_what_is_unknown_is_refused() -> None:
    assert choose_offload("sequential", {"unet": 1}, None) == "sequential"
    with pytest.raises(RequestError, match="sequential"):
        choose_offload("disk", {"unet": 1}, None)
