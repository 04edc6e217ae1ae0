"""Broken and hostile model folders: each one typed error that names the file, in little time, and nothing run."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import lora_mixer
from lora_mixer.errors import FileError, LoraMixerError, ModelError, UnsafeFileError
from lora_mixer.models import Model, open_model
from lora_mixer.request import ModelSource

EMBEDDED = Path(next(iter(lora_mixer.__path__))) / "data" / "emoji" / "model"
UNET, TEXT, VAE = "unet/config.json", "text_encoder/config.json", "vae/config.json"
SCHEDULE, INDEX, WORDS = "scheduler/scheduler_config.json", "model_index.json", "tokenizer/vocab.json"
HUGE = 10**7


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the embedded model: a link to a file changes its ctime, which those who have it open are told of."""
    return Path(shutil.copytree(EMBEDDED, tmp_path_factory.mktemp("own") / "model"))


@pytest.fixture
def folder(own: Path, tmp_path: Path) -> Path:
    """The embedded model, its weights shared by links."""
    for source in own.rglob("*"):
        target = tmp_path / "model" / source.relative_to(own)
        if source.is_dir():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".safetensors":
            os.link(source, target)
        else:
            shutil.copy(source, target)
    return tmp_path / "model"


def opened(folder: Path) -> Model:
    return open_model(ModelSource(name="m", location=str(folder)), device="cpu", dtype="float32")


def change(folder: Path, file: str, **entries: object) -> None:
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


VALUES = [
    *(
        (UNET, {name: value})
        for name in ("layers_per_block", "transformer_layers_per_block")
        for value in (HUGE, -HUGE)
    ),
    (UNET, {"layers_per_block": [HUGE, HUGE, HUGE]}),
    (UNET, {"layers_per_block": 500, "transformer_layers_per_block": 500}),
    (UNET, {"block_out_channels": [64] * 1000, "down_block_types": ["DownBlock2D"] * 1000}),
    (UNET, {"block_out_channels": [HUGE, 128, 160]}),
    (UNET, {"block_out_channels": "64"}),
    (UNET, {"down_block_types": ["Evil"]}),
    (UNET, {"mid_block_type": "Evil"}),
    (UNET, {"attention_head_dim": 0}),
    (UNET, {"attention_head_dim": HUGE}),
    (UNET, {"norm_num_groups": 7}),
    (UNET, {"norm_eps": "x"}),
    (UNET, {"act_fn": "evil"}),
    (UNET, {"act_fn": 5}),
    (UNET, {"cross_attention_dim": None}),
    (UNET, {"cross_attention_dim": "128"}),
    (UNET, {"cross_attention_dim": 64}),
    (UNET, {"in_channels": [4]}),
    (UNET, {"sample_size": HUGE}),
    (UNET, {"addition_embed_type": "text_time"}),
    (UNET, {"class_embed_type": "projection"}),
    (UNET, {"quantization_config": {"quant_method": "bitsandbytes"}}),
    (UNET, {"time_embedding_type": "evil"}),
    (VAE, {"layers_per_block": HUGE}),
    (VAE, {"block_out_channels": []}),
    (VAE, {"block_out_channels": [32]}),
    (VAE, {"latent_channels": HUGE}),
    (VAE, {"scaling_factor": "x"}),
    (VAE, {"scaling_factor": float("nan")}),
    (VAE, {"norm_num_groups": 0}),
    (TEXT, {"num_hidden_layers": HUGE}),
    (TEXT, {"num_hidden_layers": "3"}),
    (TEXT, {"num_hidden_layers": 4}),
    (TEXT, {"num_hidden_layers": 0}),
    (TEXT, {"vocab_size": 10**9}),
    (TEXT, {"vocab_size": 100}),
    (TEXT, {"max_position_embeddings": 10**9}),
    (TEXT, {"max_position_embeddings": 5}),
    (TEXT, {"hidden_size": 0}),
    (TEXT, {"hidden_size": 256}),
    (TEXT, {"num_attention_heads": 0}),
    (TEXT, {"num_attention_heads": 5}),
    (TEXT, {"hidden_act": "evil"}),
    (TEXT, {"layer_norm_eps": "x"}),
    (TEXT, {"auto_map": {"AutoModel": "evil.Evil"}}),
    (SCHEDULE, {"num_train_timesteps": 10**9}),
    (SCHEDULE, {"num_train_timesteps": "1000"}),
    (SCHEDULE, {"beta_start": "x"}),
    (SCHEDULE, {"beta_end": float("nan")}),
    (SCHEDULE, {"beta_schedule": "evil"}),
    (SCHEDULE, {"prediction_type": "evil"}),
    (SCHEDULE, {"trained_betas": [0.1] * 5}),
    (INDEX, {"unet": ["evil_module", "Evil"]}),
    (INDEX, {"_class_name": ["evil", "Evil"]}),
]


@pytest.mark.parametrize(("file", "entries"), VALUES, ids=lambda value: str(value)[:50])
def test_a_value_that_cannot_be_is_one_typed_error(folder: Path, file: str, entries: dict[str, object]) -> None:
    change(folder, file, **entries)
    start = time.process_time()
    with pytest.raises(LoraMixerError) as caught:
        opened(folder)
    assert time.process_time() - start < 5
    assert isinstance(caught.value, ModelError | FileError)
    assert str(folder) in str(caught.value)
    assert len(str(caught.value)) < 800


TEXTS = [b"", b"[]", b"\xff\xfe", b'{"a":' * 100_000, b'{"a": ' + b"9" * 5000 + b"}"]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:8]))
@pytest.mark.parametrize("file", [UNET, TEXT, VAE, SCHEDULE, INDEX, WORDS, "tokenizer/tokenizer_config.json"])
def test_a_file_that_is_no_table_is_one_typed_error(folder: Path, file: str, text: bytes) -> None:
    (folder / file).write_bytes(text)
    with pytest.raises((ModelError, FileError), match="model"):
        opened(folder)


@pytest.mark.parametrize("file", [UNET, TEXT, VAE, SCHEDULE, INDEX, WORDS, "unet/diffusion_pytorch_model.safetensors"])
def test_a_file_that_is_not_there_or_is_none_is_one_typed_error(folder: Path, file: str) -> None:
    (folder / file).unlink()
    for make in (lambda path: None, os.mkfifo, lambda path: (path.unlink(), path.mkdir())):
        make(folder / file)
        with pytest.raises((ModelError, FileError)):
            opened(folder)


def weights(folder: Path, component: str) -> Path:
    return next((folder / component).glob("*.safetensors"))


def rewritten(folder: Path, component: str, edit: Callable[[dict[str, torch.Tensor]], object]) -> None:
    path = weights(folder, component)
    tensors = {key: tensor.clone() for key, tensor in load_file(path).items()}
    edit(tensors)
    path.unlink()
    save_file(tensors, path)


@pytest.mark.parametrize("component", ["unet", "vae", "text_encoder"])
def test_weights_that_are_not_those_of_the_configuration_are_one_typed_error(folder: Path, component: str) -> None:
    whole = weights(folder, component).read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"\x80\x02}.", b"PK\x03\x04" + bytes(100)):
        weights(folder, component).unlink()
        (
            folder
            / component
            / ("model.safetensors" if component == "text_encoder" else "diffusion_pytorch_model.safetensors")
        ).write_bytes(content)
        with pytest.raises(FileError):
            opened(folder)
    weights(folder, component).write_bytes(whole)
    rewritten(folder, component, lambda tensors: tensors.pop(max(tensors)))
    with pytest.raises(ModelError, match="missing"):
        opened(folder)
    weights(folder, component).write_bytes(whole)
    rewritten(folder, component, lambda tensors: tensors.update({max(tensors): torch.ones(1, 2, 3)}))
    with pytest.raises(ModelError):
        opened(folder)


def test_a_weight_without_a_place_is_told(folder: Path) -> None:
    rewritten(folder, "unet", lambda tensors: tensors.update({"more.weight": torch.ones(2)}))
    with pytest.raises(ModelError, match=r"1 weights have no place, first more\.weight"):
        opened(folder)


@pytest.mark.parametrize("name", ["../../secret.safetensors", "/etc/passwd", "nowhere.safetensors", 5, None])
def test_an_index_that_leaves_its_folder_is_refused(folder: Path, tmp_path: Path, name: object) -> None:
    whole = weights(folder, "unet")
    shutil.copy(whole, tmp_path / "secret.safetensors")
    keys = list(load_file(whole))
    whole.rename(whole.with_name("diffusion_pytorch_model-00001-of-00001.safetensors"))
    index = folder / "unet" / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": dict.fromkeys(keys, name)}))
    with pytest.raises(FileError, match="index"):
        opened(folder)


def test_a_model_in_shards_is_opened_and_is_the_same(folder: Path) -> None:
    whole = weights(folder, "unet")
    tensors = load_file(whole)
    keys = sorted(tensors)
    names = [f"diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    places = {key: names[number % 2] for number, key in enumerate(keys)}
    expected = opened(folder).checksum()
    for name in names:
        save_file({key: tensors[key] for key in keys if places[key] == name}, whole.with_name(name))
    whole.unlink()
    index = folder / "unet" / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    assert opened(folder).checksum() == expected


@pytest.mark.parametrize(
    "entries",
    [
        {"attn_implementation": "kernels-community/evil"},
        {"_attn_implementation": "kernels-community/evil"},
        {"_attn_implementation_internal": "kernels-community/evil"},
        {"_attn_implementation_autoset": True},
    ],
)
def test_no_configuration_chooses_the_attention(folder: Path, entries: dict[str, object], monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("something was fetched"))
    change(folder, TEXT, **entries)
    assert opened(folder).text_encoders["te1"].config._attn_implementation == "sdpa"


def test_an_adapter_in_the_folder_of_the_text_encoder_is_refused(folder: Path) -> None:
    (folder / "text_encoder" / "adapter_config.json").write_text('{"base_model_name_or_path": "../../elsewhere"}')
    with pytest.raises(UnsafeFileError, match="settings name another model"):
        opened(folder)


def test_a_schedule_that_says_little_is_that_of_its_time(folder: Path) -> None:
    (folder / SCHEDULE).write_text('{"_class_name": "PNDMScheduler", "beta_start": 0.00085, "beta_end": 0.012}')
    assert opened(folder).prediction == "epsilon"
