"""Every ending trainers write is read as its slot."""

from __future__ import annotations

import pytest

from lora_mixer.keys import SLOT_OF, split


@pytest.mark.parametrize(("suffix", "slot"), [row for row in SLOT_OF.items() if row[0] != "weight"])
def test_every_ending_of_the_table_splits_off_its_slot(suffix, slot):
    assert split(f"lora_unet_conv_in.{suffix}") == ("lora_unet_conv_in", slot)
    assert split(f"unet.mid_block.attentions.0.{suffix}") == ("unet.mid_block.attentions.0", slot)


@pytest.mark.parametrize(
    ("key", "module", "slot"),
    [
        ("unet.a.attn1.processor.to_q_lora.up.weight", "unet.a.attn1.processor.to_q", "up"),
        ("unet.a.attn1.processor.to_out_lora.down.weight", "unet.a.attn1.processor.to_out", "down"),
        ("text_encoder.a.q_proj.lora_linear_layer.up.weight", "text_encoder.a.q_proj", "up"),
        ("unet.a.to_q.lora.down.weight", "unet.a.to_q", "down"),
        ("base_model.model.a.to_q.lora_A.default.weight", "base_model.model.a.to_q", "down"),
        ("base_model.model.a.to_q.lora_B.my_style.weight", "base_model.model.a.to_q", "up"),
        ("unet.a.to_q.lora_magnitude_vector.default", "unet.a.to_q", "magnitude"),
        ("unet.a.to_q.lora_magnitude_vector.default.weight", "unet.a.to_q", "magnitude"),
        ("base_model.model.a.to_q.lora_B.my_style.bias", "base_model.model.a.to_q", "up_bias"),
        ("base_model.model.a.to_q.oft_R.default.weight", "base_model.model.a.to_q", "oft_r"),
        ("lora_unet_a.hada_w1_a.default", "lora_unet_a", "w1_a"),
        ("lora_unet_a.weight", "lora_unet_a", "weight"),
    ],
)
def test_unusual_endings_are_read(key, module, slot):
    assert split(key) == (module, slot)


@pytest.mark.parametrize("key", ["", ".", "alpha", ".alpha", "a.b", "lora_up.weight", "x.to_q_lora.sideways.weight"])
def test_what_is_no_adapter_tensor_has_no_slot(key):
    found = split(key)
    assert found is None or found.slot == "weight"
