"""Every scheme spells, recognises and inverts every name, over every family."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer.errors import ModelError
from lora_mixer.families import SD1, SDXL, ModuleIndex, all_families
from lora_mixer.keys import SCHEMES, scheme_of, split
from lora_mixer.keys.scheme import Scheme
from lora_mixer.mapping.dictionary import dictionary
from lora_mixer.models import family_index
from lora_mixer.modules import DENOISER, LayerType, ModuleName, ModuleSpec

ROWS = [(family, scheme) for family in all_families() for scheme in SCHEMES]


@pytest.mark.parametrize(("family", "scheme"), ROWS, ids=lambda row: getattr(row, "name", str(row)))
def test_every_spelling_is_recognised_and_stands_for_the_module_it_was_made_from(family, scheme):
    index = family_index(family)
    words = dictionary(index, scheme)
    for name in index.modules:
        for spelling in scheme.spell(name, family):
            assert name in words[spelling]
            assert scheme_of(spelling) is scheme
    assert all(len(names) == 1 or len(names) == len(scheme.stacks) for names in words.values())


@given(st.sampled_from(ROWS), st.integers(0, 10**6), st.sampled_from([".alpha", ".lora_up.weight", ".hada_w1_a"]))
def test_splitting_a_key_gives_back_the_spelling(row, number, suffix):
    family, scheme = row
    words = list(dictionary(family_index(family), scheme)) or ["lora_unet_conv_in"]
    spelling = words[number % len(words)]
    assert split(spelling + suffix).module == spelling


def test_two_modules_that_flatten_alike_are_an_error_naming_both():
    names = [ModuleName(DENOISER, "a.b_c"), ModuleName(DENOISER, "a_b.c")]
    specs = {name: ModuleSpec(name=name, operator=LayerType.LINEAR, weight=(1, 1)) for name in names}
    index = ModuleIndex(family=SD1, modules=specs)
    kohya = next(scheme for scheme in SCHEMES if scheme.name == "kohya")
    with pytest.raises(ModelError, match=r"denoiser:a\.b_c and denoiser:a_b\.c are both spelled lora_unet_a_b_c"):
        dictionary(index, kohya)


@pytest.mark.parametrize(
    ("spelling", "path"),
    [
        # Block numbers: A1111's conversion in extensions-builtin/Lora/networks.py, sd-scripts' sdxl_model_util.py.
        (
            "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q",
            "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q",
        ),
        ("lora_unet_input_blocks_1_0_in_layers_2", "down_blocks.0.resnets.0.conv1"),
        ("lora_unet_input_blocks_3_0_op", "down_blocks.0.downsamplers.0.conv"),
        ("lora_unet_middle_block_1_proj_in", "mid_block.attentions.0.proj_in"),
        ("lora_unet_middle_block_2_out_layers_3", "mid_block.resnets.1.conv2"),
        ("lora_unet_output_blocks_2_2_conv", "up_blocks.0.upsamplers.0.conv"),
        ("lora_unet_output_blocks_8_0_skip_connection", "up_blocks.2.resnets.2.conv_shortcut"),
        ("lora_unet_label_emb_0_2", "add_embedding.linear_2"),
        ("lora_unet_time_embed_0", "time_embedding.linear_1"),
        ("lora_unet_out_2", "conv_out"),
        (
            "unet.mid_block.attentions.0.transformer_blocks.9.attn2.processor.to_out",
            "mid_block.attentions.0.transformer_blocks.9.attn2.to_out.0",
        ),
        ("diffusion_model.input_blocks.7.1.proj_out", "down_blocks.2.attentions.0.proj_out"),
        ("diffusion_model.down_blocks.2.attentions.0.proj_out", "down_blocks.2.attentions.0.proj_out"),
        ("input_blocks.7.1.proj_out", "down_blocks.2.attentions.0.proj_out"),
        ("out.2", "conv_out"),
        ("unet.input_blocks.0.0", "conv_in"),
        ("lycoris_up_blocks_0_resnets_1_time_emb_proj", "up_blocks.0.resnets.1.time_emb_proj"),
    ],
)
def test_known_spellings_of_sdxl_stand_for_the_known_module(spelling, path):
    scheme = scheme_of(spelling)
    assert dictionary(family_index(SDXL), scheme)[spelling] == (ModuleName(DENOISER, path),)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("lora_te1_text_model_encoder_layers_3_self_attn_q_proj", "te1:text_model.encoder.layers.3.self_attn.q_proj"),
        ("lora_te2_text_model_encoder_layers_31_mlp_fc1", "te2:text_model.encoder.layers.31.mlp.fc1"),
        ("lora_te2_text_projection", "te2:text_projection"),
        ("text_encoder_2.text_model.encoder.layers.3.mlp.fc2", "te2:text_model.encoder.layers.3.mlp.fc2"),
        ("text_encoder.text_model.encoder.layers.3.self_attn.to_q", "te1:text_model.encoder.layers.3.self_attn.q_proj"),
        ("clip_g.text_model.encoder.layers.0.mlp.fc1", "te2:text_model.encoder.layers.0.mlp.fc1"),
        ("text_encoders.clip_l.transformer.text_model.final_layer_norm", "te1:text_model.final_layer_norm"),
    ],
)
def test_known_spellings_of_sdxl_text_encoders_stand_for_the_known_module(spelling, name):
    (found,) = dictionary(family_index(SDXL), scheme_of(spelling))[spelling]
    assert str(found) == name


def test_a_packed_spelling_stands_for_q_k_and_v_in_this_order():
    spelling = "lora_te2_model_transformer_resblocks_5_attn_in_proj"
    names = dictionary(family_index(SDXL), scheme_of(spelling))[spelling]
    assert [name.path.rpartition(".")[2] for name in names] == ["q_proj", "k_proj", "v_proj"]


def test_names_of_schemes_are_distinct():
    assert len({scheme.name for scheme in SCHEMES}) == len(SCHEMES)
    assert all(isinstance(scheme, Scheme) for scheme in SCHEMES)
