"""A LoRA from two checkpoints: the change that was put in comes out again, layer by layer, and other programs read it."""

from __future__ import annotations

import json
import re
import shutil
import weakref
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch.utils._python_dispatch import TorchDispatchMode
from typer.testing import CliRunner

from lora_mixer import ModelSource
from lora_mixer.adapters import compress_matrix
from lora_mixer.errors import FileError, LoraMixerError, RequestError, WrongFamilyError
from lora_mixer.export import BakeReport, Extraction, extract_lora
from lora_mixer.export.extraction import difference
from lora_mixer.families import SD1, SDXL
from lora_mixer.mapping import MappedAdapter, map_adapter, open_adapter
from lora_mixer.models import Model, open_as_stored
from lora_mixer.modules import LayerType
from lora_mixer_app.cli import build
from tests.support.checkpoints import write

RANK = 3
UNCHANGED = re.compile(r"transformer_blocks\.[1-9]")


def opened(path: Path) -> Model:
    return open_as_stored(ModelSource(name=path.stem, location=str(path)))


def read(path: Path, model: Model) -> MappedAdapter:
    parsed, tensors = open_adapter(path)
    return map_adapter(parsed, model.index, name=path.stem, digest="0", read=tensors)


class Alive(TorchDispatchMode):
    """How many bytes of tensors made inside are alive at once, at most."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._seen: set[int] = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        given = {
            one.untyped_storage().data_ptr()
            for one in (*args, *(kwargs or {}).values())
            if isinstance(one, torch.Tensor)
        }
        made = function(*args, **(kwargs or {}))
        for one in made if isinstance(made, (tuple, list)) else (made,):
            if isinstance(one, torch.Tensor):
                storage = one.untyped_storage()
                if storage.data_ptr() not in given and storage.data_ptr() not in self._seen:
                    self._count(storage)
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        size, where = storage.nbytes(), storage.data_ptr()
        self._seen.add(where)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._freed, size, where)

    def _freed(self, size: int, where: int) -> None:
        self.now -= size
        self._seen.discard(where)


class Extracted(NamedTuple):
    """A small model, the same with weights changed at rank 3, and what was extracted from the two."""

    base: Model
    tuned: Model
    report: BakeReport
    most_bytes: int


@pytest.fixture(scope="module", params=[SD1, SDXL], ids=str)
def extracted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Extracted:
    """Of every kind of layer in every part some are changed: all but those in the second to last transformer of a block."""
    folder = tmp_path_factory.mktemp(str(request.param))
    tensors = write(request.param).tensors
    save_file(tensors, folder / "base.safetensors")
    generator = torch.Generator().manual_seed(2)
    tuned = dict(tensors)
    for key, value in tensors.items():
        if value.ndim > 1 and not key.startswith("first_stage_model.") and not UNCHANGED.search(key):
            up, down = (
                torch.randn(size, generator=generator) for size in ((value.shape[0], RANK), (RANK, value[0].numel()))
            )
            tuned[key] = value + 0.01 * (up @ down).reshape(value.shape)
    save_file(tuned, folder / "tuned.safetensors")
    base, other = opened(folder / "base.safetensors"), opened(folder / "tuned.safetensors")
    with Alive() as alive:
        report = extract_lora(other, base, folder / "a.safetensors", Extraction(rank=RANK, dtype="float32"))
    return Extracted(base, other, report, alive.most)


def test_a_known_change_comes_out_at_its_rank(extracted: Extracted) -> None:
    base, tuned, report, _ = extracted
    adapter, changed = read(report.path, base), 0
    for spec in base.index:
        if spec.operator not in {LayerType.LINEAR, LayerType.CONV}:
            continue
        wanted = (tuned.module(spec.name).weight - base.module(spec.name).weight).flatten(1)
        layer = adapter.layers.get(spec.name)
        if layer is None:
            assert not wanted.any()
            continue
        changed += 1
        factors = layer.factors()
        assert factors is not None
        assert factors.down.shape[0] == RANK
        torch.testing.assert_close(factors.up.flatten(1) @ factors.down.flatten(1), wanted, rtol=0, atol=2e-6)
    assert report.modules == changed == len(adapter.layers) > 100
    assert max(block.error for block in report.blocks) < 1e-3
    assert {block.part for block in report.blocks} == set(base.parts)
    assert "embeddings" in " ".join(report.notes)


def test_diffusers_reads_every_layer_of_it(extracted: Extracted) -> None:
    base, tuned, report, _ = extracted
    config = base.denoiser.network.config
    state, alphas = StableDiffusionXLPipeline.lora_state_dict(
        str(report.path.parent), weight_name=report.path.name, unet_config=config
    )[:2]
    unet = UNet2DConditionModel.from_config(config)
    unet.load_state_dict(base.denoiser.network.state_dict())
    StableDiffusionXLPipeline.load_lora_into_unet(state, alphas, unet)
    unet.fuse_lora()
    unet.unload_lora()
    own = tuned.denoiser.network.state_dict()
    assert [key for key, value in unet.state_dict().items() if not torch.allclose(own[key], value, atol=5e-6)] == []


def test_memory_holds_one_layer_and_the_file(extracted: Extracted) -> None:
    weights = [4 * torch.Size(spec.weight).numel() for spec in extracted.base.index]
    assert extracted.most_bytes < 16 * max(weights) + 4 * extracted.report.path.stat().st_size
    assert extracted.most_bytes < sum(weights) / 2


@given(
    seed=st.integers(0, 99),
    shape=st.sampled_from([(6, 9), (9, 6), (12, 12)]),
    rank=st.integers(1, 6),
    share=st.floats(0.3, 1),
)
@settings(max_examples=30)
def test_as_few_ranks_as_hold_the_share(seed: int, shape: tuple[int, int], rank: int, share: float) -> None:
    change = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    one = compress_matrix(change, rank, share=share)
    values = torch.linalg.svdvals(change.double()).square()
    held = values.cumsum(0) / values.sum()
    kept = one.down.shape[0]
    assert kept == min(rank, int((held < share - 1e-12).sum()) + 1) or share == 1
    assert one.lost == pytest.approx(float(values[kept:].sum()), abs=1e-6)
    assert one.whole == pytest.approx(float(values.sum()))


@pytest.mark.parametrize("shape", [(600, 700), (700, 600)])
def test_random_products_find_the_nearest_too(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(3)
    factors = torch.randn(shape[0], 40, generator=generator), torch.randn(40, shape[1], generator=generator)
    change = factors[0] * torch.arange(40, 0, -1) @ factors[1] + 0.1 * torch.randn(shape, generator=generator)
    exact, found = compress_matrix(change, 20), compress_matrix(change, 20, exactly=False)
    assert found.lost == pytest.approx(exact.lost, rel=1e-3)
    assert float((change - found.up @ found.down).square().sum()) == pytest.approx(found.lost, rel=1e-3)
    assert torch.equal(found.up, compress_matrix(change, 20, exactly=False).up)


@given(seed=st.integers(0, 99), narrow=st.sampled_from([torch.float16, torch.bfloat16]))
def test_a_weight_that_is_only_rounded_is_not_changed(seed: int, narrow: torch.dtype) -> None:
    base = torch.randn(4, 5, generator=torch.Generator().manual_seed(seed))
    assert difference(base.to(narrow), base) is None
    assert difference(base, base.to(narrow)) is None
    other = difference(base + 1, base)
    assert other is not None
    torch.testing.assert_close(other, torch.ones(4, 5), rtol=0, atol=1e-6)


def emoji_like(folder: Path, emoji: Path, keys: str, amount: float) -> Path:
    """The embedded model with some weights changed."""
    shutil.copytree(emoji, folder)
    for file in folder.rglob("*.safetensors"):
        tensors = load_file(file)
        generator = torch.Generator().manual_seed(1)
        for key, value in tensors.items():
            if keys in key and file.parent.name != "vae":
                tensors[key] = (value.float() + amount * torch.randn(value.shape, generator=generator)).to(value.dtype)
        save_file(tensors, file, metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def tuned_emoji(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import lora_mixer

    emoji = Path(lora_mixer.__file__).parent / "data" / "emoji" / "model"
    return emoji_like(tmp_path_factory.mktemp("tuned") / "model", emoji, "norm", 0.05)


def test_the_command_tells_errors_and_what_is_left_out(tmp_path: Path, tuned_emoji: Path) -> None:
    arguments = ["extract", str(tuned_emoji), "--base", "emoji", "-o", str(tmp_path / "a.safetensors")]
    done = CliRunner().invoke(build("extract"), arguments)
    assert isinstance(done.exception, RequestError)
    assert "--norms" in str(done.exception)
    done = CliRunner().invoke(build("extract"), [*arguments, "--norms", "--share", "0.9"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    with safe_open(tmp_path / "a.safetensors", "pt") as file:
        said, keys = file.metadata(), set(file.keys())
    assert json.loads(said["lora_mixer.extract"])["tuned"]["name"] == "model"
    assert said["ss_network_dim"] == "Dynamic"
    assert all(key.endswith(("w_norm", "b_norm")) for key in keys)
    base = open_as_stored(ModelSource(name="emoji", location=str(tuned_emoji)))
    assert len(read(tmp_path / "a.safetensors", base).layers) == len({key.rpartition(".")[0] for key in keys})


def test_what_cannot_be_extracted_is_one_line(tmp_path: Path, tuned_emoji: Path, extracted: Extracted) -> None:
    emoji, other = open_as_stored(ModelSource(name="a", location=str(tuned_emoji))), extracted.base
    (tmp_path / "there.safetensors").write_bytes(b"dear")
    cases: list[tuple[Model, str, type[LoraMixerError], str]] = [
        (emoji, "a.safetensors", RequestError, "nothing to extract"),
        (emoji, "a.bin", RequestError, "must be a .safetensors"),
        (emoji, "there.safetensors", FileError, "already"),
        (emoji, "no/a.safetensors", FileError, "no such folder"),
    ]
    if other.family is not emoji.family:
        cases.append((other, "a.safetensors", WrongFamilyError, "model and"))
    for base, name, error, said in cases:
        with pytest.raises(error, match=said) as raised:
            extract_lora(emoji, base, tmp_path / name)
        assert "\n" not in str(raised.value)
    for values in ({"rank": 0}, {"rank": 2000}, {"conv_rank": -1}, {"share": 0.0}, {"dtype": "int8"}):
        with pytest.raises(RequestError):
            Extraction(**values)
    assert [path.name for path in tmp_path.iterdir()] == ["there.safetensors"]
