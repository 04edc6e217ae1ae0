"""A mix written down for other programs: as one LoRA, as a checkpoint, as a folder; loaded back it is the mix."""

from __future__ import annotations

import json
import math
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from lora_mixer import Curve, LoraUse, Mixer, Rectangle, RenderRequest, Strength
from lora_mixer.adapters import compress_factors, compress_matrix
from lora_mixer.errors import ChangedFileError, FileError, LoraMixerError, RequestError
from lora_mixer.export import folder, writing
from lora_mixer.families import SD1, SD2, SDXL, Family
from lora_mixer.files import leases
from lora_mixer.mixer import BakeReport
from lora_mixer.modules import DENOISER, LayerType
from lora_mixer_app.cli import build
from tests.support.checkpoints import write

PROMPT = "cat <lora:line_art:0.8> <lora:night_sky:-0.5:0.25>"
WISH = RenderRequest(prompt="cat", seed=7, steps=2, upscale=1)
CLOSE = 2  # of 255: float16 in the file, and the order of sums


def with_mix(mixer: Mixer) -> np.ndarray:
    return np.asarray(mixer.render(replace(WISH, prompt=PROMPT)).image).astype(int)


@pytest.fixture(scope="module")
def baked(mixer: Mixer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BakeReport]:
    path = tmp_path_factory.mktemp("baked") / "mix.safetensors"
    return path, mixer.bake(PROMPT, path, rank=512)


def test_a_baked_lora_loaded_back_gives_the_picture_of_the_mix(mixer: Mixer, baked: tuple[Path, BakeReport]) -> None:
    path, report = baked
    wanted, plain = with_mix(mixer), np.asarray(mixer.render(WISH).image).astype(int)
    alone = mixer.render(WISH, loras=(LoraUse(name=str(path)),))
    assert np.abs(np.asarray(alone.image).astype(int) - wanted).max() <= CLOSE
    assert np.abs(plain - wanted).mean() > 1
    assert report.exact
    assert report.modules == sum(block.modules for block in report.blocks)


def test_a_baked_lora_says_what_went_into_it(mixer: Mixer, baked: tuple[Path, BakeReport]) -> None:
    with safe_open(baked[0], "pt") as file:
        metadata = file.metadata()
    said = json.loads(metadata["lora_mixer.bake"])
    assert said["model"]["sha256"] == mixer.model.digest
    assert [(lora["name"], lora["strength"]["unet"]) for lora in said["loras"]] == [
        ("line_art", 0.8),
        ("night_sky", 0.25),
    ]
    assert all(len(lora["sha256"]) == 64 for lora in said["loras"])
    assert metadata["ss_network_dim"] == "512"


def test_ranks_that_fit_stand_side_by_side_and_others_are_cut_with_the_error_told(mixer: Mixer, tmp_path: Path) -> None:
    report = mixer.bake(PROMPT, tmp_path / "thin.safetensors", rank=2, dtype="float32")
    assert not report.exact
    thin, whole = load_file(tmp_path / "thin.safetensors"), mixer.resolve(PROMPT).stacks[0]
    assert max(tensor.shape[0] for key, tensor in thin.items() if key.endswith("lora_down.weight")) == 2
    terms = whole.terms(parts=mixer.model.parts, progress=0.0)
    lost, size = 0.0, 0.0
    for name, of_module in terms.items():
        if name.part == "te1":
            change = sum(t.strength * t.layer.delta(_base(mixer, name)).weight for t in of_module).flatten(1)
            spelled = "lora_te_" + name.path.replace(".", "_")
            up, down = thin[f"{spelled}.lora_up.weight"], thin[f"{spelled}.lora_down.weight"]
            lost += float((change - up.flatten(1) @ down.flatten(1)).square().sum())
            size += float(change.square().sum())
    (text,) = [block for block in report.blocks if block.part == "te1"]
    assert text.error == pytest.approx(math.sqrt(lost / size), rel=1e-3)
    assert 0 < text.error < 1


def _base(mixer: Mixer, name: object) -> object:
    from lora_mixer.adapters import Weights

    module = mixer.model.module(name)
    return Weights(module.weight, getattr(module, "bias", None))


def test_the_cut_is_the_nearest_there_is_whichever_way_it_is_computed() -> None:
    torch.manual_seed(0)
    up, down = torch.randn(20, 9), torch.randn(9, 30)
    values = torch.linalg.svdvals(up @ down)
    for one in (
        compress_factors(up, down, 4),
        compress_matrix(up @ down, 4),
        compress_matrix((up @ down).T.contiguous(), 4),
    ):
        assert one.lost == pytest.approx(float(values[4:].square().sum()), rel=1e-4)
        assert one.whole == pytest.approx(float(values.square().sum()), rel=1e-4)
        product = one.up @ one.down
        target = up @ down if product.shape == (20, 30) else (up @ down).T
        assert float((target - product).square().sum()) == pytest.approx(one.lost, rel=1e-4)
    exact = compress_factors(up, down, 9)
    assert exact.lost == 0.0
    assert torch.equal(exact.up, up)
    assert torch.count_nonzero(compress_matrix(torch.zeros(4, 6), 2).up) == 0


def test_a_baked_folder_opened_by_us_and_by_diffusers_is_the_mix(mixer: Mixer, tmp_path: Path) -> None:
    before = mixer.model.checksum()
    mixer.bake(PROMPT, tmp_path / "merged", form="folder", dtype="float32")
    assert mixer.model.checksum() == before
    assert json.loads((tmp_path / "merged" / "bake.json").read_text())["loras"][0]["name"] == "line_art"
    wanted = with_mix(mixer)
    ours = Mixer.open(str(tmp_path / "merged"), dtype="float32")
    settings = mixer.resolve(WISH).settings
    again = ours.render(WISH, negative=settings.negative, cfg=settings.cfg)
    assert np.abs(np.asarray(again.image).astype(int) - wanted).max() <= 1
    assert mixer.model.upscaler is not None
    assert (tmp_path / "merged" / "upscaler.safetensors").read_bytes() == mixer.model.upscaler.read_bytes()
    larger = replace(WISH, upscale=2, negative=settings.negative, cfg=settings.cfg)
    with_ours, with_baked = mixer.render(replace(larger, prompt=PROMPT)), ours.render(larger)
    assert with_baked.record.upscalers == with_ours.record.upscalers != ()
    assert np.abs(np.asarray(with_baked.image).astype(int) - np.asarray(with_ours.image)).max() <= CLOSE
    pipeline = StableDiffusionPipeline.from_pretrained(tmp_path / "merged", local_files_only=True)
    assert isinstance(pipeline.scheduler, DPMSolverMultistepScheduler)
    for theirs, own in (
        (pipeline.unet, ours.model.denoiser.network),
        (pipeline.text_encoder, ours.model.text_encoders["te1"]),
    ):
        mine = own.state_dict()
        assert all(torch.equal(mine[key], value) for key, value in theirs.state_dict().items())


@pytest.fixture(scope="module", params=[SD1, SD2, SDXL], ids=str)
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Family, Mixer, Path]:
    """A small model of a family, and a LoRA for it on a linear layer, a convolution and a norm of every part."""
    folder = tmp_path_factory.mktemp(str(request.param))
    save_file(write(request.param).tensors, folder / "base.safetensors")
    mixer = Mixer.open(str(folder / "base.safetensors"), dtype="float32", engine="merged")
    torch.manual_seed(1)
    tensors = {}
    chosen = [
        s for s in mixer.model.index if s.operator in {LayerType.LINEAR, LayerType.CONV} and "projection" not in str(s)
    ]
    for spec in chosen[:: max(1, len(chosen) // 60)]:
        part = {DENOISER: "unet", "te1": "text_encoder", "te2": "text_encoder_2"}[spec.name.part]
        kernel = (1, 1) if len(spec.weight) == 4 else ()
        tensors[f"{part}.{spec.name.path}.lora_A.weight"] = torch.randn(3, *spec.weight[1:]) * 0.1
        tensors[f"{part}.{spec.name.path}.lora_B.weight"] = torch.randn(spec.weight[0], 3, *kernel) * 0.1
    save_file(tensors, folder / "a.safetensors")
    return request.param, mixer, folder


def test_a_baked_checkpoint_opened_by_us_and_by_diffusers_has_the_merged_weights(small) -> None:
    family, mixer, folder = small
    mix = (LoraUse(name=str(folder / "a.safetensors"), strength=Strength(0.7)),)
    mixer.bake("", folder / "merged.safetensors", form="checkpoint", dtype="float32", loras=mix, overwrite=True)
    merged = Mixer.open(str(folder / "merged.safetensors"), dtype="float32").model
    assert merged.family is family
    assert merged.prediction == mixer.model.prediction
    stack = mixer.resolve("", loras=mix).stacks[0]
    with mixer.loaded.merged.applied([stack], parts=mixer.model.parts):
        for part, network in {**mixer.model.parts, "vae": mixer.model.vae}.items():
            own = (merged.vae if part == "vae" else merged.parts[part]).state_dict()
            assert own.keys() == network.state_dict().keys()
            assert all(torch.equal(own[key], value) for key, value in network.state_dict().items()), part
        (folder / "unet").mkdir(exist_ok=True)
        mixer.model.denoiser.network.save_config(folder / "unet")
        theirs = UNet2DConditionModel.from_single_file(
            str(folder / "merged.safetensors"), config=str(folder), subfolder="unet", local_files_only=True
        )
        own = mixer.model.denoiser.network.state_dict()
        assert all(torch.equal(own[key], value) for key, value in theirs.state_dict().items())


def test_a_baked_lora_of_every_family_is_found_again_module_by_module(small) -> None:
    _, mixer, folder = small
    mix = (LoraUse(name=str(folder / "a.safetensors"), strength=Strength(0.7)),)
    mixer.bake("", folder / "baked.safetensors", rank=8, dtype="float32", loras=mix, overwrite=True)
    one = mixer.resolve("", loras=(LoraUse(name=str(folder / "baked.safetensors")),)).stacks[0]
    first = mixer.resolve("", loras=mix).stacks[0]
    parts = tuple(mixer.model.parts)
    wanted, found = (stack.terms(parts=parts, progress=0.0) for stack in (first, one))
    assert wanted.keys() == found.keys()
    for name, ((term,), (other,)) in ((name, (wanted[name], found[name])) for name in wanted):
        change = term.layer.delta(_base(mixer, name)).weight * term.strength
        assert torch.allclose(other.layer.delta(_base(mixer, name)).weight, change, atol=1e-6), name


def test_a_model_in_float16_is_baked_on_a_cpu_as_one_in_float32_is_but_for_its_own_rounding(
    mixer: Mixer, tmp_path: Path
) -> None:
    half = Mixer.open("emoji", dtype="float16", device="cpu", computes=False)
    for one, name in ((mixer, "whole"), (half, "half")):
        one.bake(PROMPT, tmp_path / name, form="folder")
    weights = Path("unet", "diffusion_pytorch_model.safetensors")
    whole, rounded = load_file(tmp_path / "whole" / weights), load_file(tmp_path / "half" / weights)
    assert whole.keys() == rounded.keys()
    for key, value in whole.items():
        assert torch.allclose(rounded[key].float(), value.float(), rtol=2e-3, atol=1e-4), key


@pytest.mark.parametrize(
    ("prompt", "loras", "words"),
    [
        ("cat", (), "no LoRA"),
        ("cat [<lora:line_art:1>::0.5]", (), "not the same"),
        ("cat <lora:line_art:1>", (LoraUse(name="night_sky", strength=Strength(negative=True)),), "not the same"),
        ("cat", (LoraUse(name="line_art", strength=Strength(curve=Curve(points=((0, 0), (1, 1))))),), "curve"),
        (
            "cat",
            (LoraUse(name="line_art", strength=Strength(mask=Rectangle(left=0, top=0, right=1, bottom=0.5))),),
            "mask",
        ),
    ],
)
def test_what_weights_cannot_hold_is_refused_and_nothing_is_written(
    mixer: Mixer, tmp_path: Path, prompt: str, loras: tuple[LoraUse, ...], words: str
) -> None:
    with pytest.raises(RequestError, match=words):
        mixer.bake(prompt, tmp_path / "a.safetensors", loras=loras)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"form": "onnx"}, RequestError),
        ({"rank": 0}, RequestError),
        ({"dtype": "int8"}, RequestError),
        ({"form": "checkpoint"}, RequestError),  # the embedded model has no such layout
    ],
)
def test_an_impossible_bake_is_refused(mixer: Mixer, tmp_path: Path, options, error: type[LoraMixerError]) -> None:
    with pytest.raises(error):
        mixer.bake(PROMPT, tmp_path / "a.safetensors", **options)
    assert not list(tmp_path.iterdir())


def test_what_lies_there_is_kept_unless_told_otherwise(mixer: Mixer, tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"dear")
    with pytest.raises(FileError, match="already"):
        mixer.bake(PROMPT, tmp_path / "a.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == b"dear"
    with pytest.raises(FileError, match="no such folder"):
        mixer.bake(PROMPT, tmp_path / "nowhere" / "a.safetensors")


def test_the_command_bakes_and_tells_the_error_of_each_block(tmp_path: Path) -> None:
    arguments = ["bake", str(tmp_path / "a.safetensors"), "--lora", "line_art=0.8", "--rank", "2"]
    done = CliRunner().invoke(build(), arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "relative error" in done.output
    assert "te1" in done.output or DENOISER in done.output
    assert (tmp_path / "a.safetensors").is_file()


def test_kinds_without_thin_factors_norms_biases_and_embeddings_are_baked_too(mixer: Mixer, tmp_path: Path) -> None:
    torch.manual_seed(2)
    linear, turned, conv, norm = (
        next(spec for spec in mixer.model.index if spec.name.part == DENOISER and spec.name.path.endswith(end))
        for end in ("attn1.to_q", "attn1.to_out.0", "conv1", "norm1")
    )
    stems = {s: "lora_unet_" + s.name.path.replace(".", "_") for s in (linear, turned, conv, norm)}
    outputs, inputs = linear.weight
    save_file(
        {
            f"{stems[linear]}.lora_up.weight": torch.randn(outputs, 2) * 0.1,
            f"{stems[linear]}.lora_down.weight": torch.randn(2, inputs) * 0.1,
            f"{stems[linear]}.dora_scale": torch.rand(outputs, 1) + 0.5,
            f"{stems[turned]}.lokr_w1": torch.randn(4, 4) * 0.1,
            f"{stems[turned]}.lokr_w2": torch.randn(turned.weight[0] // 4, turned.weight[1] // 4) * 0.1,
            f"{stems[conv]}.diff": torch.randn(conv.weight) * 0.01,
            f"{stems[conv]}.diff_b": torch.randn(conv.weight[0]) * 0.1,
            f"{stems[norm]}.w_norm": torch.randn(norm.weight) * 0.1,
            f"{stems[norm]}.b_norm": torch.randn(norm.weight) * 0.1,
            "bundle_emb.shiny.clip_l": torch.randn(2, mixer.model.text_encoders["te1"].config.hidden_size),
        },
        tmp_path / "kinds.safetensors",
    )
    mix = (LoraUse(name=str(tmp_path / "kinds.safetensors"), strength=Strength(0.6)),)
    report = mixer.bake("cat", tmp_path / "baked.safetensors", rank=1024, dtype="float32", loras=mix)
    assert report.modules == 4
    stack = mixer.resolve("cat", loras=(LoraUse(name=str(tmp_path / "baked.safetensors")),)).stacks[0]
    assert set(stack.placed[0].adapter.embeddings) == {"shiny"}
    wanted = mixer.resolve("cat", loras=mix).stacks[0].terms(parts=(DENOISER,), progress=0.0)
    found = stack.terms(parts=(DENOISER,), progress=0.0)
    assert wanted.keys() == found.keys() == {spec.name for spec in stems}
    for name, (term,) in wanted.items():
        first, second = (one.layer.delta(_base(mixer, name)) for one in (term, found[name][0]))
        assert torch.allclose(second.weight, first.weight * 0.6, atol=1e-5), name
        assert (first.bias is None) == (second.bias is None)
        assert first.bias is None or torch.allclose(second.bias, first.bias * 0.6, atol=1e-6), name


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_baked_files_are_readable_by_whom_the_umask_lets(mixer: Mixer, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        mixer.bake(PROMPT, tmp_path / "mix.safetensors", rank=4)
        mixer.bake(PROMPT, tmp_path / "folder", form="folder")
    finally:
        os.umask(before)
    files = [tmp_path / "mix.safetensors", *(path for path in (tmp_path / "folder").rglob("*") if path.is_file())]
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o640"}
    assert len(files) > 5


@pytest.mark.parametrize("form", ["lora", "folder"])
def test_a_file_that_is_written_meanwhile_leaves_nothing_under_the_name(
    mixer: Mixer, embedded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """As after the 45 s that Linux keeps a writer waiting, or on a disk that lends no leases."""
    monkeypatch.setattr(leases, "_lease", lambda _: False)
    ink = Path(shutil.copy(embedded / "loras" / "line_art.safetensors", tmp_path / "ink.safetensors"))
    written = writing.share_by_umask

    def late(path: Path) -> None:
        written(path)
        shutil.copy(ink, tmp_path / "new")
        (tmp_path / "new").replace(ink)

    monkeypatch.setattr(folder if form == "folder" else writing, "share_by_umask", late)
    out = tmp_path / "out" / ("baked" if form == "folder" else "baked.safetensors")
    out.parent.mkdir()
    with pytest.raises(ChangedFileError, match="changed since it was opened"):
        mixer.bake("cat", out, form=form, rank=4, loras={str(ink): 0.5})
    assert list(out.parent.iterdir()) == []
