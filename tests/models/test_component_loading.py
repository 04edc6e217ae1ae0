"""Networks of a folder are put together by us, and are what their libraries' own way gives, bit by bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from lora_mixer.errors import ModelError
from lora_mixer.libraries.classes import AutoencoderKL, CLIPTextModel, UNet2DConditionModel
from lora_mixer.models import components
from lora_mixer.models.components import load_component

NETWORKS = {"unet": UNet2DConditionModel, "vae": AutoencoderKL, "text_encoder": CLIPTextModel}
WEIGHTS = "diffusion_pytorch_model"
OLD_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
"""Of the VAE's attention, before diffusers 0.15."""


def by_us(network: type[nn.Module], place: Path, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    with monkeypatch.context() as patched:
        patched.setattr(components, "_by_library", lambda *_: pytest.fail("the library opened it"))
        return load_component(network, place, dtype=dtype)


def by_library(network: type[nn.Module], place: Path, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    with monkeypatch.context() as patched:
        patched.setattr(components, "_built", lambda *_: None)
        return load_component(network, place, dtype=dtype)


def assert_same(ours: nn.Module, theirs: nn.Module) -> None:
    for tensors, others in (
        (ours.state_dict(), theirs.state_dict()),
        (dict(ours.named_buffers()), dict(theirs.named_buffers())),
    ):
        assert tensors.keys() == others.keys()
        assert all(tensors[name].dtype == others[name].dtype for name in tensors)
        assert all(torch.equal(tensors[name], others[name]) for name in tensors)
    assert not any(module.training for module in ours.modules())
    assert not any(weight.requires_grad or weight.is_meta for weight in ours.parameters())
    assert [type(module) for module in ours.modules()] == [type(module) for module in theirs.modules()]


def small(network: type[nn.Module], place: Path, shard: str | None = None) -> Path:
    """A small network of random float16 weights in a folder, in one file or several."""
    torch.manual_seed(7)
    widths = {"block_out_channels": (8, 16), "norm_num_groups": 4, "layers_per_block": 1}
    if network is UNet2DConditionModel:
        types = {
            "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
            "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        }
        made = network(cross_attention_dim=8, attention_head_dim=4, **widths, **types)
    else:
        made = network(down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2, **widths)
    made.half().save_pretrained(place, **({} if shard is None else {"max_shard_size": shard}))
    return place


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("part", NETWORKS)
def test_the_embedded_models_are_their_librarys_own(
    part: str, dtype: torch.dtype, embedded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = embedded / "model" / part
    ours, theirs = (way(NETWORKS[part], place, dtype, monkeypatch) for way in (by_us, by_library))
    assert_same(ours, theirs)
    if part != "text_encoder":
        assert {**theirs.config, "_name_or_path": None} == {**ours.config, "_name_or_path": None}
        return
    assert ours.config._attn_implementation == theirs.config._attn_implementation == "sdpa"
    tokens = torch.arange(77)[None] % ours.config.vocab_size
    assert torch.equal(ours(tokens).last_hidden_state, theirs(tokens).last_hidden_state)


@pytest.mark.parametrize("shard", [None, "40KB"])
@pytest.mark.parametrize("network", [UNet2DConditionModel, AutoencoderKL])
def test_random_ones_in_one_file_or_several_are_too(
    network: type[nn.Module], shard: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = small(network, tmp_path, shard)
    assert (len(list(place.glob("*.safetensors"))) > 1) == (shard is not None)
    assert_same(*(way(network, place, torch.float32, monkeypatch) for way in (by_us, by_library)))


def test_weights_under_old_names_are_left_to_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = small(AutoencoderKL, tmp_path)
    new = by_us(AutoencoderKL, place, torch.float32, monkeypatch)
    file = place / f"{WEIGHTS}.safetensors"
    old: dict[str, torch.Tensor] = {}
    for key, value in load_file(file).items():
        for now, then in OLD_NAMES.items():
            key = key.replace(f"attentions.0.{now}.", f"attentions.0.{then}.")
        old[key] = value.clone()
    assert any("query" in key for key in old)
    save_file(old, file)
    assert_same(load_component(AutoencoderKL, place, dtype=torch.float32), new)


@pytest.mark.parametrize(("change", "what"), [("less", "missing"), ("more", "no place"), ("shape", "cannot be opened")])
def test_what_does_not_fit_is_refused_in_the_librarys_way(
    change: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = small(AutoencoderKL, tmp_path)
    file = place / f"{WEIGHTS}.safetensors"
    tensors = {key: value.clone() for key, value in load_file(file).items()}
    first = min(tensors)
    if change == "less":
        del tensors[first]
    elif change == "more":
        tensors["another.weight"] = torch.zeros(1)
    else:
        tensors[first] = torch.zeros(3)
    save_file(tensors, file)
    said = []
    for way in (
        lambda: load_component(AutoencoderKL, place, dtype=torch.float32),
        lambda: by_library(AutoencoderKL, place, torch.float32, monkeypatch),
    ):
        with pytest.raises(ModelError, match=what) as refused:
            way()
        said.append(str(refused.value))
    assert said[0] == said[1]
