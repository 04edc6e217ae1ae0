"""Single files of every family, at true layout and small width, against the networks they were written from."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lora_mixer.errors import FileError, ModelError, UnsafeFileError
from lora_mixer.families import EMOJI, SD1, SD2, all_families
from lora_mixer.models import Model, open_model
from lora_mixer.modules import DENOISER
from lora_mixer.request import ModelSource
from tests.support.checkpoints import WIDTH, Written, write


def opened(path: Path, **options: Any) -> Model:
    return open_model(ModelSource(name="m", location=str(path), **options), device="cpu", dtype="float32")


def _same(ours: nn.Module, theirs: nn.Module) -> bool:
    mine, other = ours.state_dict(), theirs.state_dict()
    return mine.keys() == other.keys() and all(torch.equal(mine[key], other[key]) for key in mine)


@pytest.fixture(scope="module")
def sd1() -> Written:
    return write(SD1)


@pytest.mark.parametrize("family", [family for family in all_families() if family is not EMOJI])
def test_a_single_file_gives_every_network_bit_for_bit(family, tmp_path):
    written = write(family)
    save_file(written.tensors, tmp_path / "m.safetensors")
    model = opened(tmp_path / "m.safetensors")
    assert model.family is family
    ours = {"unet" if part == DENOISER else part: network for part, network in model.parts.items()} | {"vae": model.vae}
    assert set(ours) == set(written.networks)
    for part, network in ours.items():
        assert _same(network, written.networks[part]), part
    assert model.latent_scale == 8
    assert all(tokenizer.model_max_length == 77 for tokenizer in model.tokenizers.values())


def test_a_text_encoder_from_a_file_computes_what_it_did(sd1, tmp_path):
    save_file(sd1.tensors, tmp_path / "m.safetensors")
    model = opened(tmp_path / "m.safetensors")
    ids = torch.arange(20)[None]
    assert torch.equal(model.parts["te1"](ids).last_hidden_state, sd1.networks["te1"](ids).last_hidden_state)


def test_averaged_weights_beside_the_trained_ones_are_left_out(sd1, tmp_path):
    extra = {"model_ema." + key.replace(".", ""): value + 1 for key, value in sd1.tensors.items() if "diffusion" in key}
    save_file(sd1.tensors | extra, tmp_path / "m.safetensors")
    assert _same(opened(tmp_path / "m.safetensors").parts[DENOISER], sd1.networks["unet"])


def test_half_precision_files_are_read_in_the_dtype_asked_for(sd1, tmp_path):
    save_file({key: value.half() for key, value in sd1.tensors.items()}, tmp_path / "m.safetensors")
    model = opened(tmp_path / "m.safetensors")
    assert model.dtype == torch.float32
    weight = model.parts[DENOISER].get_parameter("conv_in.weight")
    assert torch.equal(weight, sd1.networks["unet"].get_parameter("conv_in.weight").half().float())


def test_a_separate_vae_fills_the_gap_in_either_layout(sd1, tmp_path):
    save_file({k: v for k, v in sd1.tensors.items() if "first_stage" not in k}, tmp_path / "m.safetensors")
    with pytest.raises(ModelError, match="no VAE"):
        opened(tmp_path / "m.safetensors")
    layouts = {
        "bare": {k.removeprefix("first_stage_model."): v for k, v in sd1.tensors.items() if "first_stage" in k},
        "diffusers": sd1.networks["vae"].state_dict(),
    }
    for name, tensors in layouts.items():
        save_file(dict(tensors), tmp_path / f"{name}.safetensors")
        model = opened(tmp_path / "m.safetensors", vae=str(tmp_path / f"{name}.safetensors"))
        assert _same(model.vae, sd1.networks["vae"]), name


def test_a_checkpoint_says_its_prediction_and_zero_terminal_snr_by_its_keys(sd1, tmp_path):
    save_file(sd1.tensors, tmp_path / "plain.safetensors")
    assert opened(tmp_path / "plain.safetensors").prediction == "epsilon"
    marks = {"v_pred": torch.zeros(0), "ztsnr": torch.zeros(0)}
    save_file(sd1.tensors | marks, tmp_path / "v.safetensors")
    model = opened(tmp_path / "v.safetensors")
    assert model.prediction == "v_prediction"
    assert model.scheduler_config["rescale_betas_zero_snr"]
    assert model.scheduler_config["timestep_spacing"] == "trailing"


def test_a_missing_weight_is_named(sd1, tmp_path):
    key = "model.diffusion_model.input_blocks.1.0.in_layers.2.weight"
    save_file({k: v for k, v in sd1.tensors.items() if k != key}, tmp_path / "m.safetensors")
    with pytest.raises(ModelError, match=r"down_blocks\.0\.resnets\.0\.conv1\.weight"):
        opened(tmp_path / "m.safetensors")


def test_an_editing_checkpoint_is_refused_as_such(sd1, tmp_path):
    key = "model.diffusion_model.input_blocks.0.0.weight"
    save_file(sd1.tensors | {key: torch.zeros(WIDTH, 8, 3, 3)}, tmp_path / "m.safetensors")
    with pytest.raises(ModelError, match="edit"):
        opened(tmp_path / "m.safetensors")


def test_a_lora_is_not_taken_for_a_checkpoint(tmp_path):
    save_file({"lora_unet_x.lora_up.weight": torch.zeros(2, 2)}, tmp_path / "lora.safetensors")
    with pytest.raises(ModelError, match="not a checkpoint of a family"):
        opened(tmp_path / "lora.safetensors")


def test_a_truncated_checkpoint_is_a_file_error(sd1, tmp_path):
    path = tmp_path / "m.safetensors"
    save_file(sd1.tensors, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FileError):
        opened(path)


def test_an_old_checkpoint_is_read_without_running_code(sd1, tmp_path):
    torch.save({"state_dict": sd1.tensors, "global_step": 3}, tmp_path / "m.ckpt")
    assert _same(opened(tmp_path / "m.ckpt").parts[DENOISER], sd1.networks["unet"])


def test_an_old_checkpoint_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"state_dict": Evil()}, tmp_path / "m.ckpt")
    with pytest.raises(UnsafeFileError):
        opened(tmp_path / "m.ckpt")
    (tmp_path / "bare.ckpt").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(FileError):
        opened(tmp_path / "bare.ckpt")
    assert not (tmp_path / "ran").exists()


def test_open_clip_pads_with_zero_and_keeps_the_exclamation_mark_a_word(tmp_path):
    save_file(write(SD2).tensors, tmp_path / "m.safetensors")
    tokenizer = opened(tmp_path / "m.safetensors").tokenizers["te1"]
    assert tokenizer.pad_token_id == 0
    assert tokenizer("hello !").input_ids[2] == 256


def test_what_is_neither_a_file_nor_a_hub_id_is_a_model_error(tmp_path):
    with pytest.raises(ModelError, match="no such model"):
        opened(tmp_path / "nowhere" / "m.safetensors")


def test_a_hub_id_that_is_not_in_the_cache_names_the_folder_to_put_it_in(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=str(tmp_path / "owner" / "model")):
        opened(Path("owner/model"))
