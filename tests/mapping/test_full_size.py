"""Files that name every module of a full-size architecture map onto it with nothing left over.

The counts are those of kohya's sd-scripts (`networks/lora.py`: Linear and Conv2d 1x1 inside Transformer2DModel, and
inside CLIPAttention and CLIPMLP; with `conv_dim` also 3x3 and the resnets): 192 + 72 modules for SD 1.x, 722 + 72 + 192
for SDXL. Keys are derived from that rule and the architecture, not copied from a file.
"""

from __future__ import annotations

import random

import pytest

from lora_mixer.families import SD1, SD2, SDXL, Family, all_families
from lora_mixer.keys import SCHEMES, parse_adapter
from lora_mixer.mapping import Fate, map_adapter
from lora_mixer.models import family_index
from lora_mixer.modules import LayerType
from tests.support.adapter_files import lora_of, parsed, weighted, write

SCHEME = {scheme.name: scheme for scheme in SCHEMES}


def kohya_modules(family: Family, *, conv: bool = False):
    index = family_index(family)
    inside = ("attentions.", "self_attn.", "mlp.") + (("resnets.", "samplers.") if conv else ())
    return [spec for spec in weighted(index) if any(word in spec.name.path for word in inside)]


def file_of(specs, family, scheme, path):
    tensors = {}
    for spec in specs:
        spelled = SCHEME[scheme].spell(spec.name, family)[0]
        tensors |= lora_of(spec, spelled, rank=1, underscored=scheme == "diffusers-processor")
    return parsed(path, tensors)


@pytest.mark.parametrize(
    ("family", "conv", "count"),
    [
        (SD1, False, 192 + 72),
        (SD1, True, 192 + 72 + 86),
        (SD2, False, 192 + 138),
        (SDXL, False, 722 + 72 + 192),
    ],
)
def test_a_kohya_file_with_every_module_its_trainer_trains_maps_whole(tmp_path, family, conv, count):
    specs = kohya_modules(family, conv=conv)
    adapter = map_adapter(
        file_of(specs, family, "kohya", tmp_path / "a.safetensors"), family_index(family), name="a", digest="0"
    )
    assert len(adapter.layers) == len(specs) == count
    assert adapter.report.complete
    assert adapter.report.count(Fate.APPLIED) == 3 * len(specs)
    assert adapter.family_guess.family is family


@pytest.mark.parametrize("scheme", [scheme for scheme in SCHEME if scheme not in {"kohya", "openclip"}])
def test_sdxl_maps_whole_in_every_other_naming(tmp_path, scheme):
    family = SDXL
    specs = [spec for spec in kohya_modules(family) if SCHEME[scheme].spell(spec.name, family)]
    adapter = map_adapter(
        file_of(specs, family, scheme, tmp_path / "a.safetensors"), family_index(family), name="a", digest="0"
    )
    assert set(adapter.layers) == {spec.name for spec in specs}
    assert adapter.report.complete
    assert adapter.report.schemes == (scheme,)
    assert adapter.family_guess.family is family


def test_several_namings_in_one_file_and_any_order_of_keys_give_the_same_layers(tmp_path):
    family = SD1
    rng = random.Random(7)
    tensors = {}
    for spec in kohya_modules(family):
        spellings = [s for name in ("kohya", "kohya-ldm", "peft", "omi") for s in SCHEME[name].spell(spec.name, family)]
        tensors |= lora_of(spec, rng.choice(spellings), rank=1)
    shuffled = list(tensors.items())
    rng.shuffle(shuffled)
    index = family_index(family)
    one = map_adapter(parsed(tmp_path / "a.safetensors", tensors), index, name="a", digest="0")
    file = write(tmp_path / "b.safetensors", dict(shuffled))
    other = map_adapter(parse_adapter(file), index, name="a", digest="0")
    assert len(one.report.schemes) > 2
    assert list(one.layers) == list(other.layers)
    assert one.report == other.report
    assert len(one.layers) == 264


def test_every_linear_and_convolution_of_every_family_has_its_shape_in_the_index():
    for family in all_families():
        for spec in weighted(family_index(family)):
            assert len(spec.weight) == (4 if spec.operator is LayerType.CONV else 2)
