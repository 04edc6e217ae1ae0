"""Opening the embedded model as a diffusers folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

import lora_mixer
from lora_mixer.errors import MissingFileError, ModelError, RequestError, UnsafeFileError
from lora_mixer.families import EMOJI
from lora_mixer.models import Model, open_model
from lora_mixer.modules import DENOISER, ModuleName
from lora_mixer.request import ModelSource

EMBEDDED = Path(next(iter(lora_mixer.__path__))) / "data" / "emoji" / "model"


def opened(folder: Path = EMBEDDED, dtype: str = "float32") -> Model:
    return open_model(ModelSource(name="m", location=str(folder)), device="cpu", dtype=dtype)


@pytest.fixture(scope="module")
def model() -> Model:
    return opened()


def test_the_embedded_model_is_told_from_its_config(model):
    assert model.family is EMOJI
    assert tuple(model.parts) == (DENOISER, "te1")
    assert model.prediction == "v_prediction"
    width, height = model.native_size
    assert width == height == model.denoiser.network.config["sample_size"] * model.latent_scale


def test_every_network_is_frozen_and_in_eval_mode(model):
    for network in (*model.parts.values(), model.vae):
        assert not network.training
        assert not any(parameter.requires_grad for parameter in network.parameters())


def test_a_canonical_name_finds_its_module_whatever_the_library_calls_it(model):
    fc1 = model.module(ModuleName("te1", "text_model.encoder.layers.0.mlp.fc1"))
    assert isinstance(fc1, torch.nn.Linear)
    assert isinstance(model.module(ModuleName(DENOISER, "mid_block.resnets.0.conv1")), torch.nn.Conv2d)


def test_the_checksum_sees_one_changed_bit(model):
    before = model.checksum()
    weight = model.module(ModuleName(DENOISER, "conv_in")).weight
    kept = weight[0, 0, 0, 0].clone()
    weight[0, 0, 0, 0] = torch.nextafter(kept, torch.tensor(9.0))
    assert model.checksum() != before
    weight[0, 0, 0, 0] = kept
    assert model.checksum() == before


def test_decoding_gives_pictures_of_the_native_size(model):
    size = model.denoiser.network.config["sample_size"]
    pictures = model.decode(torch.zeros(2, model.latent_channels, size, size))
    assert pictures.shape == (2, *reversed(model.native_size), 3)
    assert pictures.dtype == torch.uint8


def test_a_decoder_that_overflows_is_redone_in_float32_and_says_so_once():
    model = opened(dtype="bfloat16")
    size = model.denoiser.network.config["sample_size"]
    latents = torch.randn(1, model.latent_channels, size, size, generator=torch.Generator().manual_seed(0))
    expected = opened().decode(latents)
    model.vae.post_quant_conv.register_forward_hook(lambda m, i, o: o * float("inf") if o.dtype != torch.float32 else o)
    with pytest.warns(UserWarning, match="float32 from now on"):
        pictures = model.decode(latents)
    assert (pictures.int() - expected.int()).abs().max() <= 8  # the weights were rounded to bfloat16
    model.decode(latents)  # a second warning would be an error here


def test_the_digest_follows_the_weights(model, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(EMBEDDED, copy)
    assert opened(copy).digest == model.digest
    weights = copy / "vae" / "diffusion_pytorch_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert opened(copy).digest != model.digest


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(EMBEDDED, folder)
    return folder


def test_a_folder_with_python_code_is_refused_by_the_files_name(tmp_path):
    folder = _folder(tmp_path)
    (folder / "unet" / "evil.py").write_text("")
    with pytest.raises(UnsafeFileError, match=r"evil\.py"):
        opened(folder)


@pytest.mark.parametrize(
    "change", [{"_class_name": ["pipeline", "Evil"]}, {"unet": ["evil_module", "UNet2DConditionModel"]}]
)
def test_a_class_that_is_not_the_librarys_is_refused(tmp_path, change):
    folder = _folder(tmp_path)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | change))
    with pytest.raises(UnsafeFileError, match=next(iter(change))):
        opened(folder)


def test_pickled_weights_are_not_read(tmp_path):
    folder = _folder(tmp_path)
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(MissingFileError, match=r"no \.safetensors weights"):
        opened(folder)


def test_an_inpainting_model_is_refused_as_such(tmp_path):
    folder = _folder(tmp_path)
    config = json.loads((folder / "unet" / "config.json").read_text())
    (folder / "unet" / "config.json").write_text(json.dumps(config | {"in_channels": 9}))
    with pytest.raises(ModelError, match="inpainting"):
        opened(folder)


def test_float16_on_a_cpu_is_refused():
    with pytest.raises(RequestError, match="float16"):
        opened(dtype="float16")
