"""An adapter that does not fit is refused with what it is, what the model is, and what to do."""

from __future__ import annotations

import json

import pytest
import torch

from lora_mixer.errors import (
    BrokenAdapterError,
    PartialAdapterError,
    UnsafeFileError,
    UnsupportedAdapterError,
    WrongFamilyError,
)
from lora_mixer.families import SD1, SDXL
from lora_mixer.keys import SCHEMES
from lora_mixer.keys.methods import BY_PEFT
from lora_mixer.mapping import Fate, map_adapter, open_adapter
from lora_mixer.mapping.tensors import sane_throughout
from lora_mixer.models import family_index
from lora_mixer.modules import DENOISER, ModuleName
from lora_mixer.tensors import tensor_reader
from tests.support.adapter_files import lora_of, parsed

KOHYA = next(scheme for scheme in SCHEMES if scheme.name == "kohya")
TO_K = "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"
TO_Q = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"


def tensors_of(family, *paths, **options):
    index = family_index(family)
    made = {}
    for path in paths:
        spec = index.modules[ModuleName(DENOISER, path)]
        made |= lora_of(spec, KOHYA.spell(spec.name, family)[0], **options)
    return made


def mapped(adapter, family=SD1, **options):
    return map_adapter(adapter, family_index(family), name="a", digest="0", **options)


def test_an_adapter_for_another_family_is_refused_first_and_says_for_which(tmp_path):
    adapter = parsed(tmp_path / "a.safetensors", tensors_of(SDXL, TO_K, TO_Q))
    for partly in (False, True):
        with pytest.raises(
            WrongFamilyError, match=r"made for SDXL \(cross attention 2048 wide.*open model is Stable Diffusion 1\.x"
        ):
            mapped(adapter, allow_partial=partly)


def test_a_flux_adapter_is_called_one(tmp_path):
    tensors = {"lora_unet_double_blocks_0_img_attn_proj.lora_up.weight": torch.zeros(8, 2)}
    tensors["lora_unet_double_blocks_0_img_attn_proj.lora_down.weight"] = torch.zeros(2, 8)
    with pytest.raises(WrongFamilyError, match="made for Flux"):
        mapped(parsed(tmp_path / "a.safetensors", tensors))


def test_a_partly_fitting_adapter_is_refused_naming_keys_flag_and_nearest_name(tmp_path):
    tensors = tensors_of(SD1, TO_K)
    tensors["lora_unet_down_blocks_0_attentions_0_proj_inn.lora_up.weight"] = torch.zeros(320, 2)
    tensors["lora_unet_down_blocks_0_attentions_0_proj_inn.lora_down.weight"] = torch.zeros(2, 320)
    adapter = parsed(tmp_path / "a.safetensors", tensors)
    with pytest.raises(PartialAdapterError) as caught:
        mapped(adapter)
    message = str(caught.value)
    assert "proj_inn.lora_down.weight" in message
    assert "--allow-partial" in message
    assert "lora_unet_down_blocks_0_attentions_0_proj_in." in message
    accepted = mapped(adapter, allow_partial=True)
    assert list(map(str, accepted.layers)) == [f"denoiser:{TO_K}"]
    assert accepted.report.count(Fate.REJECTED) == 2
    assert {entry.key for entry in accepted.report.entries} == set(tensors)


@pytest.mark.parametrize("partly", [False, True])
def test_an_adapter_of_which_nothing_fits_is_refused_whatever_the_flag_says(tmp_path, partly):
    tensors = {"something.lora_up.weight": torch.zeros(8, 2), "something.lora_down.weight": torch.zeros(2, 8)}
    with pytest.raises(PartialAdapterError, match="nothing in it fits"):
        mapped(parsed(tmp_path / "a.safetensors", tensors), allow_partial=partly)


def test_a_checkpoint_is_no_adapter(tmp_path):
    tensors = {"model.diffusion_model.out.2.weight": torch.zeros(4, 320, 3, 3)}
    with pytest.raises(PartialAdapterError, match="a whole weight of a model"):
        mapped(parsed(tmp_path / "a.safetensors", tensors))


def test_a_wrong_shape_is_named_with_file_and_key(tmp_path):
    tensors = tensors_of(SD1, TO_K, TO_Q)
    key = next(key for key in tensors if "attn1" in key and "down" in key)
    tensors[key] = torch.zeros(2, 17, dtype=torch.float16)
    with pytest.raises(BrokenAdapterError, match=r"a\.safetensors: lora_unet_down_blocks_1.*attn1_to_q"):
        mapped(parsed(tmp_path / "a.safetensors", tensors))


TWO_DTYPES = {
    key: tensor.to(torch.bfloat16) if "attn1" in key else tensor for key, tensor in tensors_of(SD1, TO_K, TO_Q).items()
}
"""Tensors of three dtypes: alphas are float32."""


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("key", sorted(TWO_DTYPES))
def test_a_value_that_is_no_finite_number_is_refused_with_its_key_wherever_it_stands(tmp_path, key, value):
    tensors = {name: tensor.clone() for name, tensor in TWO_DTYPES.items()}
    tensors[key].view(-1)[-1] = value
    adapter = parsed(tmp_path / "a.safetensors", tensors)
    assert not sane_throughout(adapter.file, tensor_reader(adapter.file))
    with pytest.raises(BrokenAdapterError, match=key.partition(".")[0]):
        mapped(adapter)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_sound_file_is_read_in_one_piece_for_each_stretch_of_one_dtype(tmp_path, dtype):
    adapter = parsed(tmp_path / "a.safetensors", {key: one.to(dtype) for key, one in TWO_DTYPES.items()})
    read, pieces = tensor_reader(adapter.file), []

    def counted(info):
        pieces.append(info)
        return read(info)

    assert sane_throughout(adapter.file, counted)
    (piece,) = pieces
    assert piece.end - piece.start == adapter.file.size - adapter.file.data_start


def test_no_value_is_read_of_a_file_that_has_no_place_here(tmp_path):
    adapter = parsed(
        tmp_path / "a.safetensors", tensors_of(SDXL, "mid_block.attentions.0.transformer_blocks.4.attn1.to_q")
    )

    def read(info):
        raise AssertionError(info.key)

    with pytest.raises(WrongFamilyError):
        mapped(adapter, read=read)


def test_values_beyond_half_precision_are_refused(tmp_path):
    tensors = {key: one.float() for key, one in tensors_of(SD1, TO_K).items()}
    key = next(key for key in tensors if "lora_up" in key)
    tensors[key][0, 0] = 1e6
    with pytest.raises(BrokenAdapterError, match="beyond anything a trainer writes"):
        mapped(parsed(tmp_path / "a.safetensors", tensors))


def test_a_module_spelled_in_two_namings_is_refused_naming_both(tmp_path):
    index = family_index(SD1)
    spec = index.modules[ModuleName(DENOISER, TO_K)]
    tensors = lora_of(spec, KOHYA.spell(spec.name, SD1)[0]) | lora_of(spec, f"unet.{TO_K}")
    with pytest.raises(BrokenAdapterError, match="are the same module"):
        mapped(parsed(tmp_path / "a.safetensors", tensors))


def test_one_slot_spelled_twice_is_refused_naming_both_keys(tmp_path):
    tensors = {"unet.conv_in.lora_A.weight": torch.zeros(2, 4), "unet.conv_in.lora_down.weight": torch.zeros(2, 4)}
    with pytest.raises(BrokenAdapterError, match="spelled twice"):
        parsed(tmp_path / "a.safetensors", tensors)


def test_a_lone_alpha_is_ignored_with_the_reason(tmp_path):
    tensors = tensors_of(SD1, TO_K) | {"lora_unet_conv_in.alpha": torch.tensor(1.0)}
    report = mapped(parsed(tmp_path / "a.safetensors", tensors)).report
    (entry,) = [entry for entry in report.entries if entry.fate is Fate.IGNORED]
    assert entry.key == "lora_unet_conv_in.alpha"
    assert "scales a change that is not in the file" in " ".join(report.sentences())
    assert entry.key in report.table()
    assert json.loads(json.dumps(report.to_json()))["counts"] == {"applied": 3, "ignored": 1, "rejected": 0}


def test_embeddings_in_the_file_are_kept_by_prompt_word(tmp_path):
    tensors = tensors_of(SD1, TO_K) | {"bundle_emb.my.word.clip_l": torch.ones(2, 768)}
    adapter = mapped(parsed(tmp_path / "a.safetensors", tensors))
    assert adapter.embeddings["my.word"]["clip_l"].shape == (2, 768)
    assert adapter.report.embeddings == ("my.word",)
    assert adapter.report.complete


def test_a_file_of_torch_is_read_safely_or_not_at_all(tmp_path):
    good, bad = tmp_path / "good.pt", tmp_path / "bad.pt"
    torch.save({"state_dict": tensors_of(SD1, TO_K)}, good)
    torch.save({"a": Evil()}, bad)
    adapter, read = open_adapter(good)
    assert len(mapped(adapter, read=read).layers) == 1
    with pytest.raises(UnsafeFileError):
        open_adapter(bad)


class Evil:
    def __reduce__(self):
        return (print, ("should never run",))


@pytest.mark.parametrize(
    "tensors",
    [
        {"emb_params": (2, 768)},
        {"string_to_param.*": (1, 1024)},
        {"clip_l": (2, 768), "clip_g": (2, 1280)},
        {"text_encoders_0": (2, 768), "text_encoders_1": (2, 1280)},
        {"<my-cat>": (768,)},
    ],
    ids=str,
)
def test_an_embedding_among_the_loras_is_called_one(tmp_path, tensors):
    adapter = parsed(tmp_path / "a.safetensors", {key: torch.ones(shape) for key, shape in tensors.items()})
    for partly in (False, True):
        with pytest.raises(UnsupportedAdapterError, match=r"a textual inversion embedding.*folder of embeddings"):
            mapped(adapter, allow_partial=partly)


def test_an_adapter_for_a_pruned_or_wider_model_of_the_family_is_not_called_damaged(tmp_path):
    tensors = {}
    for number in range(3):
        module = f"lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_{'qkv'[number]}"
        tensors |= {f"{module}.lora_up.weight": torch.ones(256, 2), f"{module}.lora_down.weight": torch.ones(2, 256)}
    with pytest.raises(
        WrongFamilyError, match=r"attention 256 wide|has 320 inputs and 320 outputs, not 256 and 256"
    ) as caught:
        mapped(parsed(tmp_path / "a.safetensors", tensors))
    assert "damaged" not in str(caught.value)
    norms = {}
    for number in range(3):
        norms[f"lora_unet_down_blocks_{number}_resnets_0_norm1.w_norm"] = torch.ones(96)
    with pytest.raises(WrongFamilyError, match=r"inputs and \d+ outputs, not None and 96") as caught:
        mapped(parsed(tmp_path / "b.safetensors", norms))
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "title"),
    [
        ("base_model.model.conv_in.vera_lambda_b", "VeRA"),
        ("base_model.model.conv_in.fourierft_spectrum", "FourierFT"),
        ("base_model.model.conv_in.hra_u", "HRA"),
        ("base_model.model.conv_in.miss_block", "MiSS"),
        ("base_model.model.conv_in.randlora_lambda", "RandLoRA"),
        ("base_model.model.conv_in.c3a_kernel", "C3A"),
        ("base_model.model.conv_in.shira_weight", "SHiRA"),
        ("base_model.model.conv_in.waveft_spectrum", "WaveFT"),
        ("base_model.model.conv_in.delora_A", "DeLoRA"),
        ("base_model.model.conv_in.gralora_A.weight", "GraLoRA"),
        ("base_model.model.conv_in.vblora_logits_A", "VB-LoRA"),
        ("base_model.model.conv_in.osf_svd_params.U_low", "OSF"),
        ("base_model.model.conv_in.lora_E", "AdaLoRA"),
        ("lora_unet_conv_in.lambda_layer", "T-LoRA"),
        ("lora_unet_conv_in.q_layer.weight", "T-LoRA"),
        ("lora_unet_conv_in.bm.weight", "GLoRA with a core bm"),
        ("double_blocks.0.processor.qkv_lora1.down.weight", "an XLabs LoRA for Flux"),
        ("lllite_unet_conv_in.down.0.weight", "ControlNet-LLLite"),
        ("input_hint_block.0.weight", "a Control-LoRA"),
    ],
)
def test_other_methods_are_refused_by_their_own_names(tmp_path, key, title):
    tensors = tensors_of(SD1, TO_K) | {key: torch.ones(4, 4)}
    adapter = parsed(tmp_path / "a.safetensors", tensors)
    assert "whole weight" not in str(adapter.unread)
    for partly in (False, True):
        with pytest.raises(UnsupportedAdapterError, match=f"it is {title}, which cannot be applied"):
            mapped(adapter, allow_partial=partly)


def test_a_lora_beside_an_ip_adapter_may_be_used_alone(tmp_path):
    tensors = tensors_of(SD1, TO_K) | {"ip_adapter.1.to_k_ip.weight": torch.ones(4, 4)}
    adapter = parsed(tmp_path / "a.safetensors", tensors)
    with pytest.raises(PartialAdapterError, match="it belongs to an IP-Adapter"):
        mapped(adapter)
    assert len(mapped(adapter, allow_partial=True).layers) == 1


def test_every_method_of_peft_is_applied_or_in_the_table():
    """What PEFT has and neither is a LoRA, LoHa, LoKr or OFT, nor prompt learning, has a row."""
    from peft.utils import PeftType

    learn_prompts = {
        "PROMPT_TUNING",
        "MULTITASK_PROMPT_TUNING",
        "P_TUNING",
        "PREFIX_TUNING",
        "ADAPTION_PROMPT",
        "CPT",
        "CARTRIDGE",
        "SHADOW",
    }
    applied = {"LORA", "LOHA", "LOKR", "OFT"}
    assert {method.value for method in PeftType} - learn_prompts - applied == set(BY_PEFT)


def test_a_dora_whose_halves_are_spelled_in_two_namings_is_one(tmp_path):
    """SimpleTuner's `lora_format=comfyui` on SDXL: kohya's factors, diffusers' magnitudes."""
    tensors = tensors_of(SDXL, TO_K) | {f"unet.{TO_K}.lora_magnitude_vector.weight": torch.ones(640)}
    adapter = mapped(parsed(tmp_path / "a.safetensors", tensors), SDXL)
    (layer,) = adapter.layers.values()
    assert layer.dora_axis == "out"
    assert adapter.report.complete
    twice = tensors_of(SDXL, TO_K)
    twice |= {f"unet.{TO_K}.lora_A.weight": torch.ones(2, 2048), f"unet.{TO_K}.lora_B.weight": torch.ones(640, 2)}
    with pytest.raises(BrokenAdapterError, match="are the same module"):
        mapped(parsed(tmp_path / "b.safetensors", twice), SDXL)
