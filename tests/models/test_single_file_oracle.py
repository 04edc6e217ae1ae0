"""Our reading of single files against diffusers' own, `from_single_file`: the same file, the same answers.

The files are written by `tests/support/ldm_layout.py`, a converter of its own direction; the hub is not asked, so
diffusers is given a local folder with the configurations it would fetch.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline, UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor

from lora_mixer.families import SD1, SD2, SDXL, Family
from lora_mixer.models import Model, open_model
from lora_mixer.request import ModelSource
from tests.support.checkpoints import Written, write

BOUND = 1e-5
PIPELINES = {
    SD1: StableDiffusionPipeline,
    SD2: StableDiffusionPipeline,
    SDXL: StableDiffusionXLPipeline,
}


class Case(NamedTuple):
    """A family's checkpoint, opened by us and by diffusers."""

    family: Family
    ours: Model
    theirs: Any


def _configurations(family: Family, written: Written, folder: Path, tokenizer: Path) -> None:
    """Write the folder diffusers would fetch from the hub."""
    index: dict[str, object] = {
        "_class_name": PIPELINES[family].__name__,
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "safety_checker": [None, None],
        "feature_extractor": [None, None],
    }
    for name in ("unet", "vae"):
        written.networks[name].save_config(folder / name)
    for part, suffix in (("te1", ""), ("te2", "_2")):
        if part in written.networks:
            written.networks[part].config.save_pretrained(folder / f"text_encoder{suffix}")
            shutil.copytree(tokenizer, folder / f"tokenizer{suffix}")
            index[f"text_encoder{suffix}"] = ["transformers", type(written.networks[part]).__name__]
            index[f"tokenizer{suffix}"] = ["transformers", "CLIPTokenizer"]
    (folder / "scheduler").mkdir()
    schedule = {**(family.configs.get("scheduler", {})), "_class_name": "DDIMScheduler", "clip_sample": False}
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(schedule))
    (folder / "model_index.json").write_text(json.dumps(index))


class Files(NamedTuple):
    """A checkpoint's tensors, and the folder it lies in with its configurations for diffusers."""

    written: Written
    folder: Path


def _files(family: Family, folder: Path, tokenizer: Path) -> Files:
    written = write(family)
    _configurations(family, written, folder, tokenizer)
    save_file(written.tensors, folder / "m.safetensors")
    return Files(written, folder)


@pytest.fixture(scope="module", params=list(PIPELINES), ids=str)
def case(request: pytest.FixtureRequest, embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    family = request.param
    folder = _files(family, tmp_path_factory.mktemp(str(family)), embedded / "model" / "tokenizer").folder
    none = {} if family is SDXL else {"safety_checker": None}
    theirs = PIPELINES[family].from_single_file(
        str(folder / "m.safetensors"), config=str(folder), local_files_only=True, torch_dtype=torch.float32, **none
    )
    return Case(family, opened(folder / "m.safetensors"), theirs)


@pytest.fixture(scope="module")
def sd1(embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Files:
    return _files(SD1, tmp_path_factory.mktemp("sd1-files"), embedded / "model" / "tokenizer")


def opened(path: Path, dtype: str = "float32") -> Model:
    return open_model(ModelSource(name="m", location=str(path)), device="cpu", dtype=dtype)


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


def denoised(unet: Any) -> Tensor:
    """Return what a UNet says of some latents at some step."""
    wide = unet.config.addition_embed_type == "text_time"
    width = unet.config.projection_class_embeddings_input_dim or 0
    extra = {
        "text_embeds": noise(2, width - 6 * (unet.config.addition_time_embed_dim or 0)),
        "time_ids": torch.tensor([[64.0, 64, 0, 0, 64, 64]] * 2),
    }
    text = noise(2, 77, unet.config.cross_attention_dim)
    with torch.inference_mode():
        answer: Tensor = unet(noise(2, 4, 8, 8), 500, text, added_cond_kwargs=extra if wide else None).sample
    return answer


def near(ours: Tensor, theirs: Tensor) -> bool:
    scale = float(theirs.abs().max())
    return scale > 0 and float((ours - theirs).abs().max()) <= BOUND * max(1.0, scale)


def test_the_denoiser_answers_as_diffusers_does(case: Case) -> None:
    assert near(denoised(case.ours.denoiser.network), denoised(case.theirs.unet))


def test_the_text_encoders_answer_as_diffusers_do(case: Case) -> None:
    ids = torch.arange(20)[None] % 50
    theirs = {"te1": case.theirs.text_encoder, "te2": getattr(case.theirs, "text_encoder_2", None)}
    for part, encoder in case.ours.text_encoders.items():
        with torch.inference_mode():
            mine, other = (one(ids, output_hidden_states=True) for one in (encoder, theirs[part]))
        assert near(mine.hidden_states[-2], other.hidden_states[-2]), part
        assert near(mine[0], other[0]), part


def test_the_decoder_and_the_encoder_answer_as_diffusers_do(case: Case) -> None:
    picture = noise(1, 3, 32, 32)
    with torch.inference_mode():
        decoded = [vae.decode(noise(1, 4, 4, 4)).sample for vae in (case.ours.vae, case.theirs.vae)]
        encoded = [vae.encode(picture).latent_dist.mean for vae in (case.ours.vae, case.theirs.vae)]
    assert near(*decoded)
    assert near(*encoded)


def test_what_is_predicted_is_told_as_diffusers_is_told(case: Case) -> None:
    assert case.ours.prediction == ("v_prediction" if case.family is SD2 else "epsilon")
    assert case.ours.prediction == case.theirs.scheduler.config.prediction_type


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_files_are_read_as_diffusers_reads_them(sd1: Files, dtype: torch.dtype, tmp_path: Path) -> None:
    save_file({key: value.to(dtype) for key, value in sd1.written.tensors.items()}, tmp_path / "half.safetensors")
    wanted = "float32" if dtype is torch.float16 else "bfloat16"
    theirs = from_file(tmp_path / "half.safetensors", sd1.folder, getattr(torch, wanted))
    ours = opened(tmp_path / "half.safetensors", wanted).denoiser.network.state_dict()
    assert all(torch.equal(ours[key], value) for key, value in theirs.state_dict().items())


def test_trained_weights_are_taken_beside_averaged_ones_as_diffusers_does(sd1: Files, tmp_path: Path) -> None:
    trained = {key: value for key, value in sd1.written.tensors.items() if key.startswith("model.diffusion")}
    averaged = {"model_ema." + key.removeprefix("model.").replace(".", ""): value + 1 for key, value in trained.items()}
    counts = {"model_ema.decay": torch.tensor(0.9999), "model_ema.num_updates": torch.tensor(5)}
    save_file(sd1.written.tensors | averaged | counts, tmp_path / "ema.safetensors")
    theirs = from_file(tmp_path / "ema.safetensors", sd1.folder, torch.float32)
    assert near(denoised(opened(tmp_path / "ema.safetensors").denoiser.network), denoised(theirs))


def test_an_old_checkpoint_is_read_as_diffusers_reads_it(sd1: Files, tmp_path: Path) -> None:
    torch.save({"state_dict": sd1.written.tensors, "global_step": 1}, tmp_path / "m.ckpt")
    theirs = from_file(tmp_path / "m.ckpt", sd1.folder, torch.float32)
    assert near(denoised(opened(tmp_path / "m.ckpt").denoiser.network), denoised(theirs))


def from_file(path: Path, folder: Path, dtype: torch.dtype) -> Any:
    return UNet2DConditionModel.from_single_file(
        str(path), config=str(folder), subfolder="unet", local_files_only=True, torch_dtype=dtype
    )
