"""A family is one record: one that is made up here is seen in detection, errors, naming, mapping and block weights."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

from lora_mixer.catalog import load_models_file
from lora_mixer.errors import LoraMixerError, ModelError, RequestError, WrongFamilyError
from lora_mixer.families import (
    FIRST,
    SD1,
    SECOND,
    BlockLayout,
    Clue,
    DenoiserKind,
    Family,
    Measure,
    ModulePlace,
    all_families,
    family_of_config,
    family_of_shapes,
    find_family,
    table,
)
from lora_mixer.keys import SCHEMES, all_blocks, parse_blocks, parse_elements, preset_names, scheme_of, tell_family
from lora_mixer.mapping import map_adapter
from lora_mixer.mapping.dictionary import dictionary
from lora_mixer.mixes import Strength
from lora_mixer.models import family_index, index_of, open_model
from lora_mixer.modules import DENOISER, ModuleName, Sees
from lora_mixer.request import ModelSource
from tests.support.adapter_files import lora_of, parsed

BLOCKS = ("BASE", "ROOM0", "ROOM1")
PATHS = [f"rooms.{number}.{layer}" for number in (0, 1) for layer in ("look", "listen")]


def places(paths):
    return {
        path: ModulePlace(
            block=f"ROOM{path.split('.')[1]}",
            level=int(path.split(".")[1]),
            sees=Sees.TEXT if path.endswith("listen") else Sees.PICTURE,
            section="house",
            original=f"house_{path.replace('.', '_')}",
        )
        for path in paths
    }


HOUSE = DenoiserKind(
    name="house",
    title="house",
    folder="house",
    class_name="House2DModel",
    prefix="house.",
    kohya=("lora_house",),
    names=r"rooms_\d+_",
    paths=r"rooms\.",
    required=frozenset({"rooms.0.look.weight"}),
    measures=(Measure(config="text_width", key="rooms.0.listen.weight", axis=1),),
    clues=(
        Clue(trait="hears", words="listens to {} numbers", pattern=re.compile("listen$"), reads="inputs", exact=True),
        Clue(trait="rooms", words="{} rooms", pattern=re.compile(r"rooms_(\d+)_"), reads="number"),
    ),
    traits=lambda config: {
        "hears": frozenset({config["text_width"]}),
        "rooms": frozenset(range(config["rooms"])),
    },
    places=places,
    original=lambda path: (f"cellar.{path}",),
    written=lambda path, _paths: f"cellar.{path}",
    original_blocks=("cellar",),
)
TOY = Family(
    name="toy",
    title="Toy Diffusion",
    denoiser=HOUSE,
    text_encoders=(
        FIRST,
        SECOND,
        replace(
            SECOND, part="te3", folder="text_encoder_3", kohya=("lora_te3",), comfy="t", omi="t", embeddings=("t",)
        ),
    ),
    configs={
        "house": {"text_width": 24, "rooms": 2},
        **{f"text_encoder{suffix}": {"hidden_size": width} for suffix, width in (("", 6), ("_2", 8), ("_3", 10))},
    },
    signature={"text_width": frozenset({24})},
    metadata={"ss_base_model_version": ("toy",)},
    base_model="toy",
    architecture="toy",
    layout=BlockLayout(
        blocks=BLOCKS,
        lists=(BLOCKS,),
        presets={"UPSTAIRS": {"BASE": 1.0, "ROOM1": 1.0}, "ALL": dict.fromkeys(BLOCKS, 1.0)},
    ),
    pipeline="ToyPipeline",
    pipeline_options={},
)


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one row more."""
    monkeypatch.setattr(table, "FAMILIES", (*table.FAMILIES, TOY))


def network() -> nn.Module:
    house = nn.Module()
    room = {"look": (12, 12), "listen": (24, 12)}
    house.rooms = nn.ModuleList(
        [nn.ModuleDict({name: nn.Linear(*sides) for name, sides in room.items()}) for _ in range(2)]
    )
    return house


def index():
    return index_of(TOY, {DENOISER: network()})


def file_for(tmp_path: Path, spelled, *, metadata=None):
    tensors = {}
    for spec in index():
        tensors |= lora_of(spec, spelled(spec.name))
    return parsed(tmp_path / "a.safetensors", tensors, metadata)


def test_it_is_among_the_families_and_found_by_its_name():
    assert TOY in all_families()
    assert find_family("toy") is TOY
    with pytest.raises(RequestError, match=r"Did you mean toy\?"):
        find_family("toyy")


def test_models_of_it_are_detected_by_its_record_s_keys_shapes_and_configuration():
    shapes = {"house.rooms.0.look.weight": (12, 12), "house.rooms.0.listen.weight": (12, 24)}
    assert family_of_shapes(shapes, "m") is TOY
    assert family_of_config(HOUSE, {"text_width": 24}, "m") is TOY
    with pytest.raises(ModelError, match=r"its house is of no family.*text_width 25.*Toy Diffusion"):
        family_of_config(HOUSE, {"text_width": 25}, "m")
    with pytest.raises(ModelError, match=r"its house is of no family"):
        family_of_shapes({**shapes, "house.rooms.0.listen.weight": (12, 25)}, "m")


def test_errors_about_models_name_it(tmp_path):
    with pytest.raises(ModelError, match=r"house\..*Toy Diffusion"):
        family_of_shapes({"nothing.weight": (1, 1)}, "m")
    (tmp_path / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    with pytest.raises(ModelError, match=r"no unet or house: FluxPipeline cannot be opened.*Toy Diffusion"):
        open_model(ModelSource(name="m", location=str(tmp_path)))


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.name)
def test_every_naming_spells_it_and_tells_its_spellings(scheme):
    words = dictionary(index(), scheme)
    for name in (ModuleName(DENOISER, path) for path in PATHS):
        for spelling in scheme.spell(name, TOY):
            assert words[spelling] == (name,)
            assert scheme_of(spelling) is scheme


@pytest.mark.parametrize(
    "spelled",
    [
        lambda name: "lora_house_" + name.path.replace(".", "_"),
        lambda name: "lora_house_cellar_" + name.path.replace(".", "_"),
        lambda name: f"house.{name.path}",
        lambda name: f"diffusion_model.cellar.{name.path}",
        lambda name: name.path,
    ],
    ids=["kohya", "original", "diffusers", "comfyui", "bare"],
)
def test_a_lora_for_it_is_told_and_mapped_and_refused_elsewhere(tmp_path, spelled):
    file = file_for(tmp_path, spelled)
    guess = tell_family(file)
    assert guess.family is TOY
    mapped = map_adapter(file, index(), name="a", digest="0")
    assert [str(name) for name in mapped.layers] == [f"denoiser:{path}" for path in sorted(mapped_paths(mapped))]
    assert {spec.block for spec in mapped.modules.values()} == {"ROOM0", "ROOM1"}
    assert mapped.report.sections[0].section == "house"
    with pytest.raises(WrongFamilyError, match="made for Toy Diffusion"):
        map_adapter(file, family_index(SD1), name="a", digest="0")


def mapped_paths(mapped):
    return [name.path for name in mapped.layers]


def test_its_metadata_are_a_second_opinion(tmp_path):
    file = file_for(tmp_path, lambda name: name.path, metadata={"ss_base_model_version": "sd_v1"})
    assert "although its metadata says sd_v1" in tell_family(file).sentence()
    file = file_for(tmp_path, lambda name: name.path, metadata={"ss_base_model_version": "toy-1"})
    assert "metadata" not in tell_family(file).sentence()


def test_block_weights_are_those_of_its_layout():
    assert parse_blocks("1, 0.5, 0", TOY) == {"BASE": 1.0, "ROOM0": 0.5, "ROOM1": 0.0}
    assert parse_blocks("upstairs", TOY) == {"BASE": 1.0, "ROOM0": 0.0, "ROOM1": 1.0}
    with pytest.raises(RequestError, match=r"made for the blocks of Toy Diffusion, not for Stable Diffusion 1\.x"):
        parse_blocks("UPSTAIRS", SD1)
    with pytest.raises(RequestError, match="Write 3 numbers for Toy Diffusion"):
        parse_blocks("1,2", TOY)
    assert "UPSTAIRS" in preset_names()
    assert set(BLOCKS) <= set(all_blocks())
    assert parse_elements("ROOM0-ROOM1/look/0.5")[0].blocks == ("ROOM0", "ROOM1")


def test_modules_carry_where_they_stand():
    spec = index().modules[ModuleName(DENOISER, "rooms.1.listen")]
    assert (spec.block, spec.level, spec.sees, spec.section) == ("ROOM1", 1, Sees.TEXT, "house")


def test_a_strength_knows_its_third_text_encoder():
    assert Strength(0.5, text={"te1": 0.2}).of("te3") == 0.2
    assert Strength(0.5, text={"te3": 0.2}).of("te3") == 0.2
    assert Strength(0.5, text={"te3": 0.2}).of("te2") == 0.5


def test_models_toml_takes_its_name(tmp_path):
    file = tmp_path / "models.toml"
    file.write_text('[models.m]\nlocation = "m.safetensors"\nfamily = "toy"\n')
    assert load_models_file(file).models["m"].family == "toy"
    file.write_text('[models.m]\nlocation = "m.safetensors"\nfamily = "joy"\n')
    with pytest.raises(LoraMixerError, match="toy"):
        load_models_file(file)
