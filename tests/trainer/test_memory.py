"""What a training holds is reckoned without computing it: for SDXL at full size, and as it is measured on the embedded model."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from lora_mixer.errors import RequestError
from lora_mixer.families import SD1, SD2, SDXL, Family
from lora_mixer.models import Model, family_index
from lora_mixer.models.denoisers import opener_of
from lora_mixer.models.unet import UNetDenoiser
from lora_mixer.modules import DENOISER
from lora_mixer.trainer import Learner, TrainSettings, memory
from lora_mixer.trainer.layers import name_of, trainable
from lora_mixer.trainer.memory import Memory, activations_of, check_memory, reckon


def full_size(family: Family) -> Model:
    """A model of a family at full size, without a byte of its weights."""
    with torch.device("meta"):
        network = opener_of(family).empty(family.configs["unet"]).to(torch.bfloat16)
    denoiser = UNetDenoiser(network=network, told=family.sizes)
    modules = dict(network.named_modules())
    return SimpleNamespace(  # type: ignore[return-value]
        family=family,
        denoiser=denoiser,
        index=family_index(family),
        module=lambda name: modules[name.path] if name.part == DENOISER else torch.nn.Linear(8, 8),
        parts={DENOISER: network},
        vae=torch.nn.Linear(1, 1),
        native_size=(denoiser.sample_size[1] * 8, denoiser.sample_size[0] * 8),
        latent_scale=8,
    )


@pytest.mark.parametrize(("family", "layers"), [(SD1, 192), (SD2, 192), (SDXL, 722)])
def test_full_size_models_are_wrapped_as_kohya_wraps_them(family: Family, layers: int) -> None:
    """192 and 722 modules are sd-scripts' counts; the numbers that learn follow from the shapes."""
    model, asked = full_size(family), TrainSettings(rank=32)
    adapters = trainable(model, asked, torch.Generator())
    assert len(adapters) == layers
    shapes = [tuple(model.module(name_of(name)).weight.shape) for name in adapters.names]
    assert sum(one.numel() for one in adapters.parameters()) == sum(32 * (shape[0] + shape[1]) for shape in shapes)


def test_sdxl_at_rank_32_and_1024_pixels() -> None:
    model = full_size(SDXL)
    asked = TrainSettings(rank=32, batch=1, resolution=1024, precision="bfloat16")
    adapters = trainable(model, asked, torch.Generator())
    plain = reckon(model, asked, adapters)
    assert plain.weights == pytest.approx(5.135e9, rel=0.001)  # 2,567,463,684 numbers of 2 bytes
    assert plain.adapters == 85_114_880 * 16
    assert plain.activations == pytest.approx(6.7e9, rel=0.1)


def test_what_is_reckoned_is_what_a_forward_pass_keeps(plain_model: Model) -> None:
    """On the embedded model the same count over a pass that is computed."""
    asked = TrainSettings(rank=4, batch=2)
    learner = Learner(plain_model, asked)
    weights = {one.data_ptr() for one in (*plain_model.denoiser.network.parameters(), *learner.adapters.parameters())}
    seen: dict[int, torch.Tensor] = {}

    def saved(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in weights:
            seen[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    cells = plain_model.native_size[0] // plain_model.latent_scale
    latents = torch.randn(2, plain_model.latent_channels, cells, cells)
    from lora_mixer.models import PictureSize

    with saved_tensors_hooks(saved, lambda tensor: tensor), learner.on(train=False):
        learner.predict(latents, torch.tensor([5, 500]), ["a cat", "a dog"], [PictureSize(128, 128)] * 2)
    computed = sum(tensor.untyped_storage().nbytes() for tensor in seen.values())
    reckoned = activations_of(plain_model, asked, learner.adapters)
    assert reckoned == pytest.approx(computed, rel=0.1)
    assert activations_of(plain_model, replace(asked, gradient_checkpointing=True), learner.adapters) < reckoned / 2
    half = activations_of(plain_model, replace(asked, precision="bfloat16"), learner.adapters)
    assert half == pytest.approx(reckoned / 2, rel=0.1)


def test_what_cannot_be_held_is_refused_with_what_helps() -> None:
    with pytest.raises(RequestError, match="gradient_checkpointing"):
        check_memory(Memory(weights=0, adapters=10**15, activations=0), torch.device("cpu"))
    check_memory(Memory(weights=10**15, adapters=1, activations=1), torch.device("cpu"))


def test_a_structure_is_counted_once_and_another_one_anew(plain_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []

    def count(_model: object, shape: object, _adapters: object) -> tuple[int, int]:
        counted.append(hash(shape))
        return len(counted), 0

    monkeypatch.setattr(memory, "_count", count)
    monkeypatch.setattr(memory, "_counted", {})

    def reckoned(**values: object) -> int:
        asked = TrainSettings(rank=4, batch=2).over(values)
        return activations_of(plain_model, asked, trainable(plain_model, asked, torch.Generator()))

    assert [reckoned(), reckoned(rate=1.0, steps=5), reckoned(gradient_checkpointing=True)] == [1, 1, 0]
    others = (
        {"rank": 8},
        {"batch": 3},
        {"resolution": 64},
        {"precision": "bfloat16"},
        {"dora": True},
        {"kind": "loha"},
    )
    assert [reckoned(**other) for other in (*others, {"dropout": 0.1}, *others)] == [*range(2, 9), *range(2, 8)]
