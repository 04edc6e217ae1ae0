"""The embedded model's own adapters map onto it, every tensor accounted for."""

from __future__ import annotations

from pathlib import Path

import pytest

import lora_mixer
from lora_mixer.families import EMOJI
from lora_mixer.files import open_tensor_file
from lora_mixer.keys import parse_adapter
from lora_mixer.mapping import Fate, map_adapter
from lora_mixer.models.families import family_index

LORAS = sorted((Path(lora_mixer.__path__[0]) / "data" / "emoji" / "loras").glob("*.safetensors"))


@pytest.mark.parametrize("path", LORAS, ids=lambda path: path.stem)
def test_every_tensor_of_an_embedded_adapter_is_applied(path):
    file = open_tensor_file(path)
    adapter = map_adapter(parse_adapter(file), family_index(EMOJI), name=path.stem, digest="0")
    assert {entry.key for entry in adapter.report.entries} == set(file.tensors)
    assert adapter.report.count(Fate.APPLIED) == len(file.tensors)
    assert adapter.family_guess.family is EMOJI
