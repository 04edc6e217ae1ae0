"""Families that cannot be opened are told by the names of their own code: diffusers' models, and lists of real files."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import MappingProxyType

import diffusers
import pytest
import torch
from torch import nn

from lora_mixer.families import all_families
from lora_mixer.families.recognised import RECOGNISED
from lora_mixer.files import TensorFile, TensorInfo
from lora_mixer.keys import parse_adapter, tell_family
from lora_mixer.models import family_index
from lora_mixer.modules import DENOISER

BLOCKS = {"num_layers": 1, "num_single_layers": 1, "n_layers": 1, "num_mmdit_layers": 1, "num_single_dit_layers": 1}
HIDREAM = {
    "patch_size": 2,
    "in_channels": 16,
    "out_channels": 16,
    "caption_channels": [64, 64],
    "text_emb_dim": 64,
    "llama_layers": [0, 1],
    "num_attention_heads": 20,
    "attention_head_dim": 128,
}
HUNYUAN_DIT = {
    "num_attention_heads": 16,
    "attention_head_dim": 88,
    "in_channels": 4,
    "patch_size": 2,
    "sample_size": 128,
}
MODELS = [
    ("FluxTransformer2DModel", {}, "Flux"),
    ("Flux2Transformer2DModel", {}, "Flux.2"),
    ("ChromaTransformer2DModel", {}, "Flux"),  # its attention has Flux's names and widths
    ("SD3Transformer2DModel", {"num_attention_heads": 24, "attention_head_dim": 64}, "SD 3"),
    ("SD3Transformer2DModel", {"num_attention_heads": 38, "attention_head_dim": 64}, "SD 3"),
    ("QwenImageTransformer2DModel", {}, "Qwen-Image"),
    ("WanTransformer3DModel", {}, "Wan"),
    ("ZImageTransformer2DModel", {"n_refiner_layers": 1}, "Z-Image"),
    ("Lumina2Transformer2DModel", {}, "Lumina 2"),
    ("LTXVideoTransformer3DModel", {}, "LTX-Video"),
    ("SanaTransformer2DModel", {}, "Sana"),
    ("PixArtTransformer2DModel", {}, "PixArt"),
    ("CogVideoXTransformer3DModel", {}, "CogVideoX"),
    ("CogVideoXTransformer3DModel", {"num_attention_heads": 48}, "CogVideoX"),
    ("HunyuanVideoTransformer3DModel", {}, "HunyuanVideo"),
    ("HunyuanImageTransformer2DModel", {}, "HunyuanImage"),
    ("HunyuanVideo15Transformer3DModel", {}, "HunyuanVideo 1.5"),
    ("HunyuanDiT2DModel", HUNYUAN_DIT, "Hunyuan-DiT"),
    ("AuraFlowTransformer2DModel", {}, "AuraFlow"),
    ("HiDreamImageTransformer2DModel", HIDREAM, "HiDream"),
    ("Krea2Transformer2DModel", {}, "Krea 2"),
    ("CosmosTransformer3DModel", {"num_attention_heads": 16}, "Anima"),
    ("AceStepTransformer1DModel", {"num_hidden_layers": 1}, "ACE-Step"),
    ("ErnieImageTransformer2DModel", {}, "ERNIE-Image"),
    ("Ideogram4Transformer2DModel", {}, "Ideogram 4"),
    ("MochiTransformer3DModel", {}, "Mochi"),
    ("StableCascadeUNet", {}, "Stable Cascade"),
    ("UNetSpatioTemporalConditionModel", {}, "Stable Video Diffusion"),
    ("MotionAdapter", {}, "AnimateDiff"),
]


def attention_of(name, config):
    """The linear layers of a model's attention, by name, at the width it has by default."""
    model = getattr(diffusers, name)
    accepted = inspect.signature(model.__init__).parameters
    counts = {key: value for key, value in BLOCKS.items() if key in accepted and key not in config}
    with torch.device("meta"):
        built = model(**config, **counts)
    return {
        path: (module.out_features, module.in_features)
        for path, module in built.named_modules()
        if isinstance(module, nn.Linear) and ("attn" in path or "attention" in path) and "refiner" not in path
    }


def real_numbers(shapes, name):
    """The same modules with block 0 as the family's last one, where its number tells it from others."""
    last = {"Qwen-Image": 59, "HunyuanVideo": 39}.get(name)
    return shapes if last is None else {path.replace("blocks.0.", f"blocks.{last}."): s for path, s in shapes.items()}


def guess_of(shapes, prefix, *, flat, metadata=None):
    infos = {}
    for path, (out, inputs) in shapes.items():
        module = prefix + (path.replace(".", "_") if flat else path)
        for suffix, shape in (("lora_B.weight", (out, 4)), ("lora_A.weight", (4, inputs))):
            key = (
                f"{module}.{suffix if not flat else suffix.replace('lora_B', 'lora_up').replace('lora_A', 'lora_down')}"
            )
            infos[key] = TensorInfo(key=key, dtype="F16", shape=shape, start=0, end=0)
    return tell_family(parse_adapter(file_of(infos, metadata)))


def file_of(infos, metadata=None):
    return TensorFile(
        path=Path("a.safetensors"), size=0, data_start=0, tensors=infos, metadata=MappingProxyType(metadata or {})
    )


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(("name", "config", "title"), MODELS, ids=str)
def test_a_lora_on_a_model_s_attention_alone_is_told_in_every_naming(name, config, title):
    shapes = real_numbers(attention_of(name, config), title)
    assert shapes
    is_unet = "UNet" in name or name == "MotionAdapter"
    before = [
        ("unet." if is_unet else "transformer.", False),
        ("base_model.model.", False),
        ("diffusion_model.", False),
    ]
    before += [("lora_unet_", True), ("lycoris_", True)] + ([] if is_unet else [("lora_transformer_", True)])
    told = {f"{prefix} {flat}": guess_of(shapes, prefix, flat=flat).other for prefix, flat in before}
    assert set(told.values()) == {title}, told


# Names and shapes of real files: InvokeAI's key lists; diffusers' converters; sd-scripts and musubi-tuner; x-flux.
@pytest.mark.parametrize(
    ("modules", "title"),
    [
        (
            {
                "lora_unet_double_blocks_0_img_attn_qkv": (9216, 3072),
                "lora_unet_single_blocks_37_linear1": (21504, 3072),
            },
            "Flux",
        ),
        ({"diffusion_model.double_blocks.18.img_attn.proj": (3072, 3072)}, "Flux"),
        ({"lora_unet_double_blocks_0_img_mlp_fc1": (12288, 3072)}, "HunyuanVideo"),
        ({"lora_unet_double_blocks_19_img_attn_qkv": (9216, 3072)}, "HunyuanVideo"),
        ({"lora_unet_single_blocks_39_linear1": (21504, 3072)}, "HunyuanVideo"),
        ({"diffusion_model.double_blocks.0.img_attn.qkv": (18432, 6144)}, "Flux.2"),
        ({"lora_unet_blocks_0_self_attn_q_proj": (2048, 2048)}, "Anima"),
        ({"diffusion_model.blocks.0.cross_attn.k_proj": (2048, 2048)}, "Anima"),
        ({"lora_unet_llm_adapter_blocks_0_self_attn_q_proj": (1024, 1024)}, "Anima"),
        ({"lora_unet_blocks_0_self_attn_q": (5120, 5120)}, "Wan"),
        ({"diffusion_model.blocks.0.ffn.0": (13824, 5120)}, "Wan"),
        ({"lora_unet_blocks_0_attn_wq": (6144, 6144)}, "Krea 2"),
        ({"lora_unet_txtfusion_layerwise_blocks_0_mlp_gate": (6912, 2560)}, "Krea 2"),
        ({"lora_unet_layers_0_attention_qkv": (11520, 3840)}, "Z-Image"),
        ({"diffusion_model.layers.0.attention.out": (3840, 3840)}, "Z-Image"),
        ({"lora_unet_layers_0_attention_qkv": (3840, 2304)}, "Lumina 2"),
        ({"lora_unet_transformer_blocks_59_attn_to_k": (3072, 3072)}, "Qwen-Image"),
        ({"transformer.transformer_blocks.18.attn.add_q_proj": (3072, 3072)}, "Flux"),
        ({"transformer.transformer_blocks.3.attn.to_q": (3072, 3072)}, "Flux or Qwen-Image"),
        ({"lora_unet_transformer_blocks_0_img_mlp_net_0_proj": (12288, 3072)}, "Qwen-Image"),
        ({"transformer.transformer_blocks.5.attn.to_q": (1536, 1536)}, "SD 3"),
        ({"lora_unet_joint_blocks_0_x_block_attn_qkv": (4608, 1536)}, "SD 3"),
        ({"diffusion_model.transformer_blocks.0.attn1.to_q": (2048, 2048)}, "LTX-Video"),
        ({"transformer_blocks.0.cross_attn.to_q": (2560, 2560)}, "ACE-Step"),
        ({"lora_unet_double_stream_blocks_0_block_attn1_to_q": (2560, 2560)}, "HiDream"),
        ({"lora_unet_blocks_0_attn1_Wqkv": (4224, 1408)}, "Hunyuan-DiT"),
        (
            {"unet.down_blocks.0.attentions.0.temporal_transformer_blocks.0.attn1.to_q": (320, 320)},
            "Stable Video Diffusion",
        ),
        ({"lora_te3_encoder_block_0_layer_0_SelfAttention_q": (4096, 4096)}, "SD 3 or Flux, its T5 encoder alone"),
        ({"transformer.something.else": (8, 8)}, "a transformer that is not known here"),
    ],
    ids=str,
)
def test_names_of_real_files_are_told(modules, title):
    assert guess_of(modules, "", flat=next(iter(modules)).startswith("lora_")).other == title


def test_no_name_of_a_family_that_can_be_opened_is_taken_for_another_s():
    for family in all_families():
        shapes = {
            name.path: (spec.weight[0], spec.weight[1] if len(spec.weight) > 1 else spec.weight[0])
            for name, spec in family_index(family).modules.items()
            if name.part == DENOISER
        }
        for prefix, flat in (
            ("unet.", False),
            ("lora_unet_", True),
            ("lycoris_", True),
            ("", False),
            ("diffusion_model.", False),
        ):
            assert guess_of(shapes, prefix, flat=flat).other is None


@pytest.mark.parametrize(
    ("key", "title"),
    [
        ("lllite_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q.down.0.weight", "a ControlNet"),
        ("controlnet_cond_embedding.conv_in.weight", "a ControlNet"),
        ("input_hint_block.0.weight", "a ControlNet"),
        ("double_blocks.0.processor.qkv_lora1.down.weight", "Flux"),
    ],
)
def test_keys_that_form_no_group_tell_too(key, title):
    guess = tell_family(parse_adapter(file_of({key: TensorInfo(key=key, dtype="F16", shape=(4, 4), start=0, end=0)})))
    assert guess.other == title


def test_the_metadata_s_own_word_is_quoted():
    shapes = {"blocks.0.self_attn.q_proj": (2048, 2048)}
    told = guess_of(shapes, "diffusion_model.", flat=False, metadata={"ss_base_model_version": "anima-preview"})
    assert "its metadata calls it anima-preview" in told.sentence()
    unknown = guess_of({"mystery": (8, 8)}, "", flat=False, metadata={"modelspec.architecture": "mystery-1/lora"})
    assert "its metadata calls it mystery-1/lora" in unknown.sentence()
    assert unknown.other is None


def test_every_row_but_the_last_resorts_is_named_as_people_name_it():
    assert len({row.title for row in RECOGNISED}) > 30
