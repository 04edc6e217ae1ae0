"""Whatever the keys are, each ends in exactly one place, or one typed error names two of them."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer.errors import BrokenAdapterError
from lora_mixer.files import TensorFile, TensorInfo
from lora_mixer.keys import SLOT_OF, parse_adapter, tell_family

MODULES = st.one_of(
    st.sampled_from(
        [
            "lora_unet_conv_in",
            "unet.mid_block.attentions.0.proj_in",
            "lora_te2_text_projection",
            "bundle_emb.a",
            "bundle_emb.a.a",
            "bundle_emb.",
        ]
    ),
    st.text(st.sampled_from("ab._0-é\n"), max_size=12),
    st.from_regex(
        r"lora_unet_(down_blocks|input_blocks)_\d+_attentions_\d+_transformer_blocks_\d+_attn[12]_to_[kq]",
        fullmatch=True,
    ),
)
KEYS = st.one_of(
    st.builds(
        lambda module, suffix: f"{module}.{suffix}", MODULES, st.sampled_from([*SLOT_OF, "weight", "default", "x"])
    ),
    MODULES,
)
SHAPES = st.lists(st.integers(0, 5), max_size=4).map(tuple)


def file_of(shapes):
    infos = {key: TensorInfo(key=key, dtype="F16", shape=shape, start=0, end=0) for key, shape in shapes.items()}
    return TensorFile(path=Path("a.safetensors"), size=0, data_start=0, tensors=infos, metadata=MappingProxyType({}))


@given(st.dictionaries(KEYS, SHAPES, max_size=12))
def test_each_key_ends_in_exactly_one_place(shapes):
    try:
        parsed = parse_adapter(file_of(shapes))
    except BrokenAdapterError:
        return
    placed = [key for group in parsed.groups for key in group.slots.values()]
    placed += [key for fields in parsed.embeddings.values() for key in fields.values()]
    placed += [unread.key for unread in parsed.unread]
    assert sorted(placed) == sorted(shapes)


@given(st.dictionaries(KEYS, SHAPES, max_size=12))
def test_no_keys_or_shapes_stop_the_family_from_being_told(shapes):
    try:
        parsed = parse_adapter(file_of(shapes))
    except BrokenAdapterError:
        return
    guess = tell_family(parsed)
    assert guess.sentence().startswith("made for ")
    assert guess.family is None or guess.candidates == (guess.family,)


@given(st.permutations(["a.lora_up.weight", "a.lora_down.weight", "b.alpha", "c.weight", "bundle_emb.w.clip_l"]))
def test_the_order_of_keys_is_irrelevant(order):
    one, other = (parse_adapter(file_of(dict.fromkeys(keys, (1, 1)))) for keys in (order, sorted(order)))
    assert (one.groups, one.embeddings, one.unread) == (other.groups, other.embeddings, other.unread)


@pytest.mark.parametrize("digits", [3, 400])
def test_numbers_of_any_length_in_names_are_harmless(digits):
    name = f"lora_unet_down_blocks_{'9' * digits}_attentions_0_transformer_blocks_{'9' * digits}_attn2_to_k"
    parsed = parse_adapter(file_of({f"{name}.lora_up.weight": (1, 1), f"{name}.lora_down.weight": (1, 1)}))
    assert tell_family(parsed).family is None
