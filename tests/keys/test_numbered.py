"""cloneofsimo's files name modules by number: the order is that of the model's own walk."""

from __future__ import annotations

from types import MappingProxyType

import pytest
import torch
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from lora_mixer.families import SD1
from lora_mixer.files import open_tensor_file
from lora_mixer.keys import parse_adapter, tell_family
from lora_mixer.mapping import map_adapter
from lora_mixer.models import family_index
from lora_mixer.modules import DENOISER, ModuleName

INDEX = family_index(SD1)
ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
FEED = "ff.net.0.proj"


def unet_walk(*, feed: str) -> list[str]:
    """The linear layers under CrossAttention and GEGLU as old and new diffusers held them, from our own index."""
    blocks = dict.fromkeys(
        name.path.rpartition(".attn1.")[0] for name in INDEX.modules if name.part == DENOISER and ".attn1." in name.path
    )
    in_order = sorted(blocks, key=lambda path: ("down", "up_b", "mid_").index(path[:4]))  # the walk's, not ours
    feeds = {"between": (FEED, None), "last": (None, FEED), "none": (None, None)}[feed]
    walk = []
    for block in in_order:
        walk += [f"{block}.attn1.{name}" for name in ATTENTION]
        walk += [f"{block}.{feeds[0]}"] if feeds[0] else []
        walk += [f"{block}.attn2.{name}" for name in ATTENTION]
        walk += [f"{block}.{feeds[1]}"] if feeds[1] else []
    return walk


def write(path, parts, metadata):
    tensors = {}
    for part, names in parts.items():
        for number, name in enumerate(names):
            out, inputs = INDEX.modules[ModuleName(DENOISER if part == "unet" else "te1", name)].weight[:2]
            tensors[f"{part}:{number}:up"] = torch.full((out, 1), float(number))
            tensors[f"{part}:{number}:down"] = torch.ones(1, inputs)
    save_file(tensors | {"<word>": torch.ones(768)}, path, metadata=metadata | {"<word>": "<embed>"})
    return parse_adapter(open_tensor_file(path))


@pytest.mark.parametrize("feed", ["between", "last", "none"])
def test_every_number_is_the_module_of_the_walk(tmp_path, feed):
    walk = unet_walk(feed=feed)
    texts = [f"text_model.encoder.layers.{n}.self_attn.{p}_proj" for n in range(12) for p in ("k", "v", "q", "out")]
    parsed = write(tmp_path / "a.safetensors", {"unet": walk, "text_encoder": texts}, {"unet": '["CrossAttention"]'})
    adapter = map_adapter(parsed, INDEX, name="a", digest="0")
    assert adapter.report.complete
    assert {name.path for name in adapter.layers} == {*walk, *texts}
    for number, path in enumerate(walk):
        assert adapter.layers[ModuleName(DENOISER, path)].slots["up"][0, 0] == number
    assert list(adapter.embeddings) == ["<word>"]
    assert tell_family(parsed).family is SD1
    assert {count.source for count in adapter.report.scales} == {"no alpha, which means 1"}


def test_transformers_holds_the_projections_in_the_order_of_the_table():
    config = CLIPTextConfig(
        hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, vocab_size=9
    )
    names = [name.rpartition(".")[2] for name, _ in CLIPTextModel(config).named_modules() if "self_attn." in name]
    assert names == ["k_proj", "v_proj", "q_proj", "out_proj"]


def test_another_number_of_modules_is_not_guessed_at(tmp_path):
    tensors = {f"unet:{n}:{slot}": torch.ones(1, 4) for n in range(7) for slot in ("up", "down")}
    save_file(tensors, tmp_path / "a.safetensors")
    parsed = parse_adapter(open_tensor_file(tmp_path / "a.safetensors"))
    assert not parsed.groups
    assert "a module by its number" in parsed.unread[0].reason
    assert parsed.embeddings == MappingProxyType({})
