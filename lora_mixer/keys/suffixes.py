"""From the end of a tensor's key to its slot: every spelling trainers use, as one table.

Sources: sd-scripts `networks/lora.py` and `oft.py`; LyCORIS `modules/*.py`; PEFT `tuners/lora/layer.py` (`lora_A`,
`lora_B`, `lora_magnitude_vector`, each with an adapter name that savers usually strip) and `tuners/oft/layer.py`;
ai-toolkit `models/DoRA.py` (`magnitude`); OneTrainer `oft_utils.py` (`scaled_oft`); diffusers' two older forms
(`_lora.up`, `lora.up`, `lora_linear_layer.up`).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

WEIGHT = "weight"
"""A bare `.weight`: the vector of IA3 beside `on_input`, else a whole weight, which is no adapter."""

_UPS = ("lora_up", "lora.up", "lora_B", "lora_linear_layer.up")
_DOWNS = ("lora_down", "lora.down", "lora_A", "lora_linear_layer.down")

_ROWS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("up", tuple(f"{name}.weight" for name in _UPS)),
    ("down", tuple(f"{name}.weight" for name in _DOWNS)),
    ("mid", ("lora_mid.weight",)),
    ("alpha", ("alpha",)),
    ("scale", ("scale",)),
    ("scalar", ("scalar",)),
    ("dora_scale", ("dora_scale",)),
    ("up_bias", ("lora_B.bias", "lora_up.bias")),
    ("magnitude", ("lora_magnitude_vector", "lora_magnitude_vector.weight", "magnitude")),
    *((slot.removeprefix("hada_"), (slot,)) for slot in ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b")),
    *((slot.removeprefix("hada_"), (slot,)) for slot in ("hada_t1", "hada_t2")),
    *(
        (slot.replace("lokr_w", "k").replace("lokr_t", "kt"), (slot,))
        for slot in ("lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2")
    ),
    ("oft_blocks", ("oft_blocks",)),
    ("oft_diag", ("oft_diag",)),
    ("oft_r", ("oft_R.weight",)),
    ("scaled_oft", ("oft_R.scaled_oft",)),
    ("rescale", ("rescale",)),
    *((slot, (f"{slot}.weight",)) for slot in ("a1", "a2", "b1", "b2")),
    ("on_input", ("on_input",)),
    ("diff", ("diff",)),
    ("diff_b", ("diff_b",)),
    ("set_weight", ("set_weight",)),
    ("w_norm", ("w_norm",)),
    ("b_norm", ("b_norm",)),
    ("bias_indices", ("bias_indices",)),
    ("bias_values", ("bias_values",)),
    ("bias_size", ("bias_size",)),
    (WEIGHT, ("weight",)),
)

SLOT_OF = MappingProxyType({suffix: slot for slot, suffixes in _ROWS for suffix in suffixes})
"""Suffix after the module's name and a dot -> slot (`up`, `w1_a` of LoHa, `k1_a` of LoKr, ...)."""

SUFFIX_OF = MappingProxyType({slot: suffixes[0] for slot, suffixes in _ROWS})
"""Slot -> how this program writes it, which is how kohya's and LyCORIS's trainers do: the inverse of `SLOT_OF`."""

_PEFT = frozenset({"lora_A", "lora_B", "lora_magnitude_vector", "oft_R"})
_UNDERSCORED = MappingProxyType({"up.weight": "up", "down.weight": "down"})
_DEFAULT = ".default"


class Split(NamedTuple):
    """A key cut in two: the module as the file spells it, and the slot."""

    module: str
    slot: str


def split(key: str) -> Split | None:
    """Return a key's module and slot, or None if its ending is in no table.

    >>> split("lora_unet_mid_block_resnets_0_conv1.lora_down.weight")
    Split(module='lora_unet_mid_block_resnets_0_conv1', slot='down')
    >>> split("unet.conv_in.lora_B.default.weight").slot
    'up'
    """
    one = key.rfind(".")
    two = key.rfind(".", 0, one)
    three = key.rfind(".", 0, two)
    for cut in (three, two, one):
        slot = SLOT_OF.get(key[cut + 1 :])
        if slot is not None and slot != WEIGHT and cut > 0:
            return Split(key[:cut], slot)
    return _unusual(key, one, two, three)


def _unusual(key: str, one: int, two: int, three: int) -> Split | None:
    """Split a key that names a PEFT adapter, ends in diffusers' `_lora.up.weight`, or is a bare weight."""
    if three > 0 and key[three + 1 : two] in _PEFT and key[one:] in {".weight", ".bias"}:
        return split(key[:two] + key[one:])
    if two > 0 and key[two + 1 : one] == "lora_magnitude_vector":
        return split(key[:one])
    if key.endswith(_DEFAULT):
        return split(key.removesuffix(_DEFAULT))
    if two > 0 and key.endswith("_lora", 0, two):
        slot = _UNDERSCORED.get(key[two + 1 :])
        return Split(key[:two].removesuffix("_lora"), slot) if slot else None
    return Split(key[:one], WEIGHT) if one > 0 and key[one + 1 :] == WEIGHT else None
