"""A resized file, rank and alpha different in every module, on Stable Diffusion 1's layout: we and diffusers."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor, nn

from lora_mixer.adapters import Weights, make_layer
from tests.support.kind_examples import generator, integer, randn

Group = dict[str, Tensor]
SUFFIX = {"up": "lora_up.weight", "down": "lora_down.weight", "alpha": "alpha"}


def unet() -> nn.Module:
    """SD 1's UNet, its blocks and modules, with narrow channels."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        block_out_channels=(4, 8, 16, 16), norm_num_groups=4, cross_attention_dim=8, attention_head_dim=2, sample_size=8
    )


def resized(model: nn.Module) -> dict[str, Group]:
    """A group per linear and convolution, as kohya's resize writes it: alpha = rank / 2, rank as each module needs."""
    rng, groups = generator(0), {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            rank, weight = integer(rng, 1, 6), module.weight
            groups[name] = {
                "up": randn(rng, weight.shape[0], rank, *[1] * (weight.ndim - 2)).float(),
                "down": randn(rng, rank, *weight.shape[1:]).float(),
                "alpha": torch.tensor(rank / 2),
            }
    return groups


def exact(group: Group) -> Tensor:
    up, down = group["up"].double().flatten(1), group["down"].double()
    return (0.5 * up @ down.flatten(1)).reshape(len(up), *down.shape[1:])


def wrong(changes: dict[str, Tensor], groups: dict[str, Group]) -> list[str]:
    """The modules whose change is off by more than 1e-6 of its largest value."""
    return [
        name
        for name, group in groups.items()
        if name not in changes or (changes[name] - exact(group)).abs().max() > 1e-6 * exact(group).abs().max()
    ]


def with_diffusers(model: nn.Module, groups: dict[str, Group]) -> dict[str, Tensor]:
    """The changes that diffusers makes of the file: scaling * B A of each module it adapts."""
    from diffusers import StableDiffusionPipeline
    from peft.tuners.lora import LoraLayer

    file = {
        f"lora_unet_{name.replace('.', '_')}.{SUFFIX[slot]}": tensor.clone()
        for name, group in groups.items()
        for slot, tensor in group.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tensors, alphas = StableDiffusionPipeline.lora_state_dict(file, unet_config=model.config)
        StableDiffusionPipeline.load_lora_into_unet(tensors, alphas, model, adapter_name="resized")
    return {
        name: module.get_delta_weight("resized").double()
        for name, module in model.named_modules()
        if isinstance(module, LoraLayer)
    }


@pytest.mark.slow
def test_we_are_right_in_every_module_of_a_resized_file_where_diffusers_gets_most_attention_projections_wrong() -> None:
    model = unet()
    groups = resized(model)
    ours = {}
    for name, group in groups.items():
        shape = tuple(model.get_submodule(name).weight.shape)
        ours[name] = make_layer(group, shape, None).delta(Weights(torch.zeros(shape), None)).weight
    assert wrong(ours, groups) == []

    theirs = wrong(with_diffusers(model, groups), groups)
    projections = [name for name in groups if "attn" in name]
    assert set(theirs) <= set(projections)
    assert len(theirs) > len(projections) / 2  # diffusers 0.42: 103 of 128
