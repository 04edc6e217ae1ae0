"""OpenCLIP's packed q, k, v: each module gets the rows that are its own."""

from __future__ import annotations

import pytest
import torch

from lora_mixer.adapters import Weights
from lora_mixer.errors import BrokenAdapterError
from lora_mixer.families import SDXL
from lora_mixer.mapping import map_adapter
from lora_mixer.mapping.packed import split_rows
from lora_mixer.models import family_index
from tests.support.adapter_files import parsed

MODULE = "lora_te2_model_transformer_resblocks_0_attn_in_proj"


def test_the_three_changes_stacked_are_the_packed_change(tmp_path):
    up, down = torch.randn(3 * 1280, 4), torch.randn(4, 1280)
    tensors = {f"{MODULE}.lora_up.weight": up, f"{MODULE}.lora_down.weight": down, f"{MODULE}.alpha": torch.tensor(2.0)}
    adapter = map_adapter(parsed(tmp_path / "a.safetensors", tensors), family_index(SDXL), name="a", digest="0")
    zero = Weights(torch.zeros(1280, 1280), None)
    parts = [adapter.layers[name].delta(zero).weight for name in adapter.layers]
    assert [name.path.rpartition(".")[2] for name in adapter.layers] == ["q_proj", "k_proj", "v_proj"]
    torch.testing.assert_close(torch.cat(parts), up @ down * 0.5)


def test_lokr_is_divided_by_its_first_factor():
    slots = {"k1": torch.randn(6, 2), "k2": torch.randn(4, 3)}
    parts = [torch.kron(part["k1"], part["k2"]) for part in split_rows(slots, 3)]
    torch.testing.assert_close(torch.cat(parts), torch.kron(slots["k1"], slots["k2"]))


@pytest.mark.parametrize(
    "slots", [{"oft_blocks": torch.zeros(3, 2, 2)}, {"up": torch.zeros(4, 2)}, {"dora_scale": torch.zeros(1, 9)}]
)
def test_what_mixes_the_rows_is_refused(slots):
    with pytest.raises(BrokenAdapterError):
        split_rows(slots, 3)
