"""The base family is told from shapes, by any part of a file and any kind of adapter."""

from __future__ import annotations

import pytest
import torch

from lora_mixer.families import EMOJI, SD1, SD2, SDXL, SDXL_REFINER, all_families
from lora_mixer.keys import SCHEMES, tell_family
from lora_mixer.models import family_index
from tests.support.adapter_files import lora_of, parsed, weighted

KOHYA = next(scheme for scheme in SCHEMES if scheme.name == "kohya")
FULL = [SD1, SD2, SDXL, SDXL_REFINER, EMOJI]


def tensors_of(family, wanted):
    made = {}
    for spec in weighted(family_index(family)):
        if wanted(str(spec.name)):
            made |= lora_of(spec, KOHYA.spell(spec.name, family)[0], rank=1)
    return made


@pytest.mark.parametrize("family", FULL)
@pytest.mark.parametrize("part", ["attn2.to_k", "attn1.to_q"])
def test_attention_alone_allows_the_right_family(tmp_path, family, part):
    guess = tell_family(parsed(tmp_path / "a.safetensors", tensors_of(family, lambda name: part in name)))
    assert family in guess.candidates
    assert SD1 not in guess.candidates or family in {SD1, SD2}
    if part == "attn2.to_k":
        assert guess.family is family


@pytest.mark.parametrize("family", FULL)
def test_convolutions_alone_never_speak_against_the_right_family(tmp_path, family):
    guess = tell_family(
        parsed(tmp_path / "a.safetensors", tensors_of(family, lambda name: "resnets" in name and "conv1" in name))
    )
    assert guess.fits(family)
    assert not guess.fits(SDXL_REFINER if family is not SDXL_REFINER else SD1)


@pytest.mark.parametrize(
    ("family", "part", "told"),
    [
        (SD1, "te1:", {SD1}),
        (SD2, "te1:", {SD2}),
        (SDXL, "te1:", {SD1, SDXL}),
        (SDXL, "te2:", {SDXL, SDXL_REFINER}),
    ],
)
def test_a_text_encoder_alone_tells_what_it_can(tmp_path, family, part, told):
    tensors = tensors_of(family, lambda name: name.startswith(part) and "layers.0." in name)
    assert set(tell_family(parsed(tmp_path / "a.safetensors", tensors)).candidates) == told


def test_metadata_decides_only_where_shapes_leave_a_choice(tmp_path):
    tensors = tensors_of(SD1, lambda name: "down_blocks.0.resnets" in name and "conv1" in name)
    open_choice = tell_family(parsed(tmp_path / "a.safetensors", tensors))
    assert open_choice.family is None
    told = tell_family(parsed(tmp_path / "b.safetensors", tensors, {"ss_base_model_version": "sd_v2_v"}))
    assert told.family is SD2
    lied_to = tensors_of(SDXL, lambda name: "attn2.to_k" in name)
    guess = tell_family(parsed(tmp_path / "c.safetensors", lied_to, {"ss_base_model_version": "sd_v1"}))
    assert guess.family is SDXL
    assert "although its metadata says sd_v1" in guess.sentence()


def test_factored_lokr_and_loha_tell_as_well(tmp_path):
    name = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    lokr = {"lokr_w1": (8, 16), "lokr_w2_a": (80, 4), "lokr_w2_b": (4, 128)}
    loha = {"hada_w1_a": (640, 4), "hada_w1_b": (4, 2048), "hada_w2_a": (640, 4), "hada_w2_b": (4, 2048)}
    for number, shapes in enumerate((lokr, loha)):
        tensors = {f"{name}.{slot}": torch.zeros(shape) for slot, shape in shapes.items()}
        assert tell_family(parsed(tmp_path / f"{number}.safetensors", tensors)).family is SDXL


@pytest.mark.parametrize(
    ("module", "title"),
    [
        ("lora_unet_single_blocks_0_linear1", "Flux"),
        ("transformer.single_transformer_blocks.0.attn.to_q", "Flux"),
        ("lora_unet_joint_blocks_0_x_block_attn_qkv", "SD 3"),
        ("diffusion_model.blocks.0.cross_attn.k", "Wan"),
        ("lora_prior_unet_down_blocks_0_0", "Stable Cascade"),
    ],
)
def test_foreign_families_are_named(tmp_path, module, title):
    tensors = {f"{module}.lora_up.weight": torch.zeros(4, 2), f"{module}.lora_down.weight": torch.zeros(2, 4)}
    guess = tell_family(parsed(tmp_path / "a.safetensors", tensors))
    assert guess.other == title
    assert not any(guess.fits(family) for family in all_families())


def test_a_file_that_tells_nothing_is_unknown_and_fits_anything(tmp_path):
    guess = tell_family(parsed(tmp_path / "a.safetensors", {"lora_unet_conv_in.alpha": torch.tensor(1.0)}))
    assert guess.family is None
    assert "unknown base model" in guess.sentence()
    assert all(guess.fits(family) for family in all_families())
