"""What PEFT's settings say of a file's scale, against diffusers and PEFT themselves, and when they are damaged."""

from __future__ import annotations

import json
import math

import pytest
import torch
from diffusers import UNet2DConditionModel
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from peft import LoHaConfig, LoKrConfig, LoraConfig, OFTConfig, inject_adapter_in_model
from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import save_file

from lora_mixer.adapters import Weights
from lora_mixer.catalog import Library
from lora_mixer.errors import UnsupportedAdapterError
from lora_mixer.families import SD1
from lora_mixer.mapping import map_adapter, open_adapter
from lora_mixer.models.index import index_of
from lora_mixer.modules import DENOISER

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")  # what PEFT remarks on

LINEARS = ["to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out"]
CONVS = ["conv1", "conv_shortcut", "conv_in"]
WHOLE = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
PATTERNS = ["to_q", "attn2.to_k", WHOLE, f"^{WHOLE}", "conv1", ".*attn1.*", r"mid_block\..*to_v", "proj_in"]


def tiny_unet() -> UNet2DConditionModel:
    torch.manual_seed(1)
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        cross_attention_dim=12,
        attention_head_dim=4,
        norm_num_groups=4,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    ).double()


UNET = tiny_unet()
INDEX = index_of(SD1, {DENOISER: UNET})
PRISTINE = {name: tensor.clone() for name, tensor in UNET.state_dict().items()}


def peft_file(config, seed=2):
    """Return an injected copy of the UNet with random adapter weights, and what PEFT would save of it."""
    unet = tiny_unet()
    unet.load_state_dict(PRISTINE)
    inject_adapter_in_model(config, unet)
    unet.double()
    rng = torch.Generator().manual_seed(seed)
    for name, parameter in unet.named_parameters():
        if any(word in name for word in ("lora_", "hada_", "lokr_", "oft_R")):
            size = 0.1 if "oft_R" not in name else 0.02
            noise = torch.randn(parameter.shape, generator=rng, dtype=torch.float64) * size
            parameter.data = parameter.data + noise if "magnitude" in name else noise
    return get_peft_model_state_dict(unet)


def diffusers_weights(path, state, metadata):
    """Return the weights of the UNet with the file as diffusers loads and merges it."""
    unet = tiny_unet()
    unet.load_state_dict(PRISTINE)
    unet.load_lora_adapter(str(path.parent), weight_name=path.name, prefix="unet")
    return merged_weights(unet)


def merged_weights(unet):
    for module in unet.modules():
        if hasattr(module, "merge") and hasattr(module, "base_layer"):
            module.merge()
    return {name.replace(".base_layer", ""): tensor for name, tensor in unet.state_dict().items()}


def our_weights(adapter):
    weights = dict(PRISTINE)
    for name, layer in adapter.layers.items():
        weight, bias = (PRISTINE.get(f"{name.path}.{what}") for what in ("weight", "bias"))
        change = layer.delta(Weights(weight, bias))
        weights[f"{name.path}.weight"] = weight if change.weight is None else weight + change.weight
        if change.bias is not None:
            weights[f"{name.path}.bias"] = bias + change.bias
    return weights


def assert_same(ours, theirs):
    for name, weight in ours.items():
        torch.testing.assert_close(
            weight, theirs[name], rtol=1e-7, atol=1e-9, msg=lambda text, name=name: f"{name}: {text}"
        )


def plain(config):
    return {key: sorted(value) if isinstance(value, set) else value for key, value in config.to_dict().items()}


def written(path, state, metadata=None):
    path.parent.mkdir(exist_ok=True, parents=True)
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, path, metadata=metadata)
    return path


def mapped(path):
    parsed, read = open_adapter(path)
    return map_adapter(parsed, INDEX, name="a", digest="0", read=read)


options = st.fixed_dictionaries(
    {
        "r": st.integers(1, 6),
        "lora_alpha": st.integers(1, 40),
        "rank_pattern": st.dictionaries(st.sampled_from(PATTERNS), st.integers(1, 6), max_size=3),
        "alpha_pattern": st.dictionaries(st.sampled_from(PATTERNS), st.integers(1, 40), max_size=3),
        "use_rslora": st.booleans(),
        "use_dora": st.booleans(),
        "target_modules": st.sampled_from([LINEARS, LINEARS + CONVS, ["to_q", "to_v"]]),
        "init_lora_weights": st.sampled_from([True, False, "gaussian"]),
    }
)


@settings(max_examples=10, phases=[Phase.explicit, Phase.generate])
@given(options)
def test_the_total_scale_is_diffusers_on_files_of_every_combination(tmp_path_factory, drawn):
    config = LoraConfig(**drawn)
    state = {f"unet.{key}": tensor for key, tensor in peft_file(config).items()}
    header = {"lora_adapter_metadata": json.dumps({f"unet.{key}": value for key, value in plain(config).items()})}
    path = written(tmp_path_factory.mktemp("peft") / "pytorch_lora_weights.safetensors", state, header)
    adapter = mapped(path)
    assert adapter.report.complete
    assert not adapter.report.remarks
    assert_same(our_weights(adapter), diffusers_weights(path, state, header))


def test_a_file_without_any_settings_says_that_its_scale_is_unknown_and_taken_as_1(tmp_path):
    state = peft_file(LoraConfig(r=4, lora_alpha=1, target_modules=["to_q"]))
    report = mapped(written(tmp_path / "a.safetensors", state)).report
    assert [(count.value, count.source) for count in report.scales] == [(1.0, "unknown, taken as 1")]
    assert any("unknown, taken as 1" in line for line in report.sentences())


@pytest.mark.parametrize(
    "config",
    [
        LoraConfig(r=4, lora_alpha=1, target_modules=LINEARS, use_rslora=True),
        LoraConfig(r=4, lora_alpha=1, target_modules=["to_q", "proj_in", "conv1"], use_dora=True),
        LoraConfig(r=2, lora_alpha=3, target_modules=["to_q"], rank_pattern={"attn2.to_q": 5}),
        LoHaConfig(r=4, alpha=2, target_modules=["to_q", "conv1"]),
        LoHaConfig(r=3, alpha=2, target_modules=["conv1"], use_effective_conv2d=True),
        LoKrConfig(r=2, alpha=1, target_modules=["to_q", "conv1"]),
        LoKrConfig(r=64, alpha=16, target_modules=["to_q", "conv1"]),  # both factors whole, and alpha counts here
        LoKrConfig(r=1, alpha=4, target_modules=["to_q", "conv1"], decompose_both=True, use_effective_conv2d=True),
        LoraConfig(r=3, lora_alpha=1, target_modules=["to_out.0", "proj_in", "conv1"], lora_bias=True),
    ],
    ids=["rslora", "dora", "rank_pattern", "loha", "loha_core", "lokr", "lokr_whole", "lokr_both", "bias"],
)
def test_a_folder_of_peft_is_read_with_the_config_in_it(tmp_path, config):
    path, expected = saved_folder(tmp_path / "my_style", config)
    adapter = mapped(path)
    assert adapter.report.complete
    assert not adapter.report.remarks
    assert all("adapter_config.json" in count.source for count in adapter.report.scales)
    assert_same(our_weights(adapter), expected)


@pytest.mark.parametrize(
    "more",
    [
        {"use_cayley_neumann": False},
        *({"num_cayley_neumann_terms": terms} for terms in range(1, 8)),
        {"block_share": True},
        {"coft": True, "eps": 0.01},
    ],
    ids=str,
)
def test_oft_of_peft_is_turned_as_its_settings_say(tmp_path, more):
    config = OFTConfig(oft_block_size=4, r=0, target_modules=["to_q", "ff.net.2", "proj_in"], **more)
    path, expected = saved_folder(tmp_path, config)
    adapter = mapped(path)
    assert {layer.kind.name for layer in adapter.layers.values()} == {"oftv2"}
    assert adapter.report.complete
    assert_same(our_weights(adapter), expected)


def saved_folder(folder, config):
    """Write a folder as `PeftModel.save_pretrained` does; return the file and the weights PEFT makes of it."""
    unet = tiny_unet()
    unet.load_state_dict(PRISTINE)
    inject_adapter_in_model(config, unet)
    unet.double()
    state = peft_file(config)
    set_peft_model_state_dict(unet, {key: tensor.clone() for key, tensor in state.items()})
    path = written(folder / "adapter_model.safetensors", {f"base_model.model.{key}": t for key, t in state.items()})
    (folder / "adapter_config.json").write_text(json.dumps(plain(config)))
    return path, merged_weights(unet)


def test_a_folder_of_peft_is_a_lora_that_can_be_named(tmp_path):
    saved_folder(tmp_path / "loras" / "my_style", LoraConfig(r=4, lora_alpha=1, target_modules=["to_q"]))
    library = Library([tmp_path / "loras"], cache=tmp_path / "cache.sqlite")
    assert [entry.name for entry in library.entries] == ["my_style"]
    entry = library.find("my_style")
    assert entry.path.name == "adapter_model.safetensors"
    elsewhere = Library([], cache=tmp_path / "other.sqlite")
    assert elsewhere.find(tmp_path / "loras" / "my_style").path == entry.path
    (entry.path.parent / "adapter_model.bin").write_bytes(b"the same again")
    library.refresh()
    assert [entry.name for entry in library.entries] == ["my_style"]


def a_state(**more):
    return peft_file(LoraConfig(r=4, lora_alpha=1, target_modules=["to_q"], **more))


def header(**more):
    return {"lora_adapter_metadata": json.dumps({"r": 4, "lora_alpha": 2, "peft_type": "LORA"} | more)}


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"lora_adapter_metadata": "{"}, "lora_adapter_metadata cannot be used"),
        ({"lora_adapter_metadata": "[]"}, "it is no table"),
        (header(lora_alpha="two"), "lora_alpha is 'two', no usable number"),
        (header(lora_alpha=math.inf), "lora_alpha is inf"),
        (header(r=0), "its r is 0"),
        (header(r=True), "its r is True"),
        (header(r=16), "says rank 16 of"),
        (header(peft_type="LOHA", alpha=1), "says LOHA"),
        (header(rank_pattern=[1]), "rank_pattern is no table"),
        (header(alpha_pattern={"(a+)+b": 3}), "not simple enough"),
        (header(alpha_pattern={"[": 3}), "no regular expression"),
        (header(alpha_pattern={"(x": 3}), "no regular expression"),
        ({"lora_adapter_metadata": "[" * 100_000}, "lora_adapter_metadata cannot be used"),
    ],
)
def test_damaged_settings_are_said_and_not_followed(tmp_path, metadata, said):
    report = mapped(written(tmp_path / "a.safetensors", a_state(), metadata)).report
    assert said in " ".join(report.remarks)
    assert said in " ".join(report.sentences())
    assert report.to_json()["remarks"]
    assert [count.value for count in report.scales] == [1.0]


def test_the_header_counts_where_the_config_beside_it_says_otherwise(tmp_path):
    written(tmp_path / "a.safetensors", a_state(), header())
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 4, "lora_alpha": 3, "peft_type": "LORA"}))
    report = mapped(tmp_path / "a.safetensors").report
    assert [count.value for count in report.scales] == [0.5]
    assert "3/4" in report.remarks[0]
    assert "2/4" in report.remarks[0]


def test_a_config_is_not_taken_for_one_of_several_files_beside_it(tmp_path):
    for name in "ab":
        written(tmp_path / f"{name}.safetensors", a_state())
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 4, "lora_alpha": 3, "peft_type": "LORA"}))
    assert mapped(tmp_path / "a.safetensors").report.scales[0].source == "unknown, taken as 1"


def test_a_file_s_own_alpha_counts_before_all_settings(tmp_path):
    state = {f"lora_unet_{WHOLE.replace('.', '_')}.{name}": tensor for name, tensor in own_alpha().items()}
    report = mapped(written(tmp_path / "a.safetensors", state, header(r=2))).report
    assert [(count.value, count.source) for count in report.scales] == [(3.0, "its own alpha")]


def own_alpha():
    return {"lora_up.weight": torch.ones(8, 2), "lora_down.weight": torch.ones(2, 8), "alpha": torch.tensor(6.0)}


@pytest.mark.parametrize(
    ("more", "title"),
    [
        ({"init_lora_weights": "pissa"}, "'pissa'"),
        ({"init_lora_weights": "pissa_niter_4"}, "'pissa_niter_4'"),
        ({"init_lora_weights": "olora"}, "'olora'"),
        ({"init_lora_weights": "corda"}, "'corda'"),
        ({"init_lora_weights": "loftq"}, "'loftq'"),
        ({"init_lora_weights": "lora_ga"}, "'lora_ga'"),
        ({"use_qalora": True}, "QA-LoRA"),
        ({"peft_type": "VERA"}, "VeRA"),
        ({"peft_type": "ADALORA"}, "AdaLoRA"),
        ({"peft_type": "SOMETHING_NEW"}, "PEFT's Something New"),
    ],
)
def test_what_the_settings_say_cannot_be_applied_is_refused_by_its_name(tmp_path, more, title):
    path = written(tmp_path / "a.safetensors", a_state(), header(**more))
    with pytest.raises(UnsupportedAdapterError, match=title):
        mapped(path)


def test_biases_of_layers_that_have_none_act_as_peft_s_do(tmp_path):
    """PEFT cannot merge these, so its forward is the reference."""
    config = LoraConfig(r=3, lora_alpha=1, target_modules=["attn1.to_q"], lora_bias=True)
    state = peft_file(config)
    path = written(tmp_path / "adapter_model.safetensors", {f"base_model.model.{key}": t for key, t in state.items()})
    (tmp_path / "adapter_config.json").write_text(json.dumps(plain(config)))
    unet = tiny_unet()
    unet.load_state_dict(PRISTINE)
    inject_adapter_in_model(config, unet)
    set_peft_model_state_dict(unet.double(), state)
    x = torch.randn(3, 8, dtype=torch.float64)
    layer = next(layer for name, layer in mapped(path).layers.items() if name.path == WHOLE)
    base = Weights(PRISTINE[f"{WHOLE}.weight"], None)
    change = layer.delta(base)
    ours = torch.nn.functional.linear(x, base.weight + change.weight, change.bias)
    torch.testing.assert_close(ours, unet.double().get_submodule(WHOLE)(x))
