"""The module index: canonical names whatever transformers calls its levels, and back to the modules."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from lora_mixer.errors import ModelError
from lora_mixer.families import SD1, SD2, SDXL, SDXL_REFINER, all_families
from lora_mixer.models import family_index, index_of, module_of
from lora_mixer.modules import DENOISER, LayerType, ModuleName

# Parameter counts as published: SD 1.5 UNet 859,520,964 and CLIP ViT-L/14 text 123,060,480; SD 2.1 UNet 865,910,724 and
# OpenCLIP ViT-H text (23 layers) 340,387,840; SDXL base UNet 2,567,463,684 and OpenCLIP bigG text 694,659,840.
COUNTS = {
    (SD1, DENOISER): 859_520_964,
    (SD1, "te1"): 123_060_480,
    (SD2, DENOISER): 865_910_724,
    (SD2, "te1"): 340_387_840,
    (SDXL, DENOISER): 2_567_463_684,
    (SDXL, "te1"): 123_060_480,
    (SDXL, "te2"): 694_659_840,
    (SDXL_REFINER, "te2"): 694_659_840,
}


@pytest.mark.parametrize(("key", "count"), COUNTS.items(), ids=str)
def test_a_family_index_holds_every_parameter_of_the_published_model(key, count):
    family, part = key
    specs = [spec for spec in family_index(family) if spec.name.part == part]
    assert sum(math.prod(spec.weight) + math.prod(spec.bias or (0,)) for spec in specs) == count


@pytest.mark.parametrize("family", list(all_families()))
def test_every_name_of_a_text_encoder_has_its_level(family):
    for name in family_index(family).modules:
        assert name.part == DENOISER or name.path.startswith(("text_model.", "text_projection"))


def small() -> nn.Module:
    flat = nn.Module()
    flat.embeddings = nn.Embedding(3, 4)
    flat.encoder = nn.Sequential(nn.Linear(4, 5, bias=False), nn.LayerNorm(5))
    return flat


def wrapped() -> nn.Module:
    outer = nn.Module()
    outer.text_model = small()
    outer.text_projection = nn.Linear(4, 4, bias=False)
    return outer


def test_with_and_without_the_text_level_the_names_are_the_same_and_lead_back_to_the_modules():
    flat, outer = {"te1": small()}, {"te1": wrapped()}
    one, other = index_of(SD1, flat), index_of(SD1, outer)
    assert set(other.modules) - set(one.modules) == {ModuleName("te1", "text_projection")}
    for parts, index in ((flat, one), (outer, other)):
        for spec in index:
            module = module_of(parts, spec.name)
            assert tuple(module.weight.shape) == spec.weight
    name = ModuleName("te1", "text_model.encoder.0")
    assert one.modules[name].operator is LayerType.LINEAR
    assert one.modules[name].bias is None


def test_modules_without_parameters_are_not_in_the_index():
    with torch.device("meta"):
        root = nn.Sequential(nn.SiLU(), nn.Conv2d(4, 8, 3), nn.GroupNorm(2, 8, affine=False))
    assert [spec.operator for spec in index_of(SD1, {DENOISER: root})] == [LayerType.CONV]


def test_an_unknown_name_is_an_error_naming_the_parts():
    with pytest.raises(ModelError, match=r"no module te2:a.*the parts te1"):
        module_of({"te1": small()}, ModuleName("te2", "a"))
    with pytest.raises(ModelError, match="no module te1:a"):
        module_of({"te1": small()}, ModuleName("te1", "a"))
