"""Block weights: which block a module is in, and what a list or preset says of each."""

from __future__ import annotations

import pytest

from lora_mixer.errors import RequestError
from lora_mixer.families import SD1, SD2, SDXL, SDXL_REFINER
from lora_mixer.keys import blocks_of, parse_blocks, preset_names
from lora_mixer.keys.blocks import lists
from lora_mixer.models import family_index


@pytest.mark.parametrize("family", [SD1, SD2, SDXL, SDXL_REFINER])
def test_every_module_is_in_a_block_of_its_family_and_every_block_has_a_module(family):
    found = {spec.block for spec in family_index(family)}
    assert found == set(blocks_of(family))


@pytest.mark.parametrize(
    ("path", "block"),
    [
        ("down_blocks.0.attentions.0.proj_in", "IN01"),
        ("down_blocks.0.downsamplers.0.conv", "IN03"),
        ("down_blocks.2.attentions.1.proj_in", "IN08"),
        ("mid_block.attentions.0.proj_in", "MID"),
        ("up_blocks.1.attentions.0.proj_in", "OUT03"),
        ("up_blocks.3.attentions.2.proj_in", "OUT11"),
        ("time_embedding.linear_1", "BASE"),
        ("conv_in", "IN00"),
    ],
)
def test_blocks_have_the_numbers_of_the_original_code(path, block):
    assert SD1.denoiser.places([path])[path].block == block


@pytest.mark.parametrize(("length", "family"), [(12, SDXL), (17, SD1), (20, SDXL), (26, SD2)])
def test_a_list_gives_its_blocks_their_numbers_in_order_and_the_others_zero(length, family):
    weights = parse_blocks(",".join(str(number + 1) for number in range(length)), family)
    assert [weights[block] for block in lists()[length]] == [number + 1 for number in range(length)]
    assert set(weights) == set(blocks_of(family))
    assert all(value == 0 for block, value in weights.items() if block not in lists()[length])


def test_every_preset_is_read_for_sd1_and_those_that_say_the_same_of_every_block_for_sdxl():
    for preset in preset_names():
        assert parse_blocks(preset, SD1)
    assert set(parse_blocks("all", SDXL).values()) == {1.0}
    assert parse_blocks("MIDD", SD1)["OUT06"] == 1.0
    assert parse_blocks("OUTS", SD1)["IN04"] == 0.0


@pytest.mark.parametrize(
    ("text", "family", "words"),
    [
        ("1,1", SD1, "a list of 2 block weights"),
        ("NOPE", SD1, "is no block weight"),
        ("R,1,1", SD1, "is no block weight"),
        (",".join(["nan"] * 17), SD1, "not finite"),
        ("INS", SDXL, "made for the blocks of Stable Diffusion 1.x"),
        (",".join(["1"] * 17), SDXL, "which has no OUT"),
    ],
)
def test_what_is_no_list_is_refused_with_what_may_be_written(text, family, words):
    with pytest.raises(RequestError, match=words):
        parse_blocks(text, family)
