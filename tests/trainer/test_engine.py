"""What a training does beside its steps: samples, dropout, optimizers, losses, files at a fixed time, several processes."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from lora_mixer import Mixer
from lora_mixer.adapters import Weights
from lora_mixer.errors import FileError, LoraMixerError, RequestError
from lora_mixer.export.spelling import kohya_name
from lora_mixer.images import read_picture
from lora_mixer.mapping import map_adapter, open_adapter
from lora_mixer.models import Model
from lora_mixer.trainer import Learner, SampleSettings, Training, TrainSettings, Watch, learn
from lora_mixer.trainer.devices import Devices
from lora_mixer.trainer.losses import Losses
from lora_mixer.trainer.state import keep_state, take_up_state
from lora_mixer.trainer.training import StepReport

QUICK = TrainSettings(steps=4, batch=2, rank=2, rate=1e-2, checkpoint_every=2, warmup=0)


class Spots:
    """A lesson of nothing but noise at small latents: cheap, random in every batch, with a rate for what it measures."""

    batches = 2

    def loss(self, learner: Learner, batch: int) -> torch.Tensor:
        from lora_mixer.trainer import Dice

        dice = Dice.of(learner.settings.seed, batch)
        latents = torch.randn(1, learner.model.latent_channels, 8, 8, generator=dice.noise)
        target = torch.randn(latents.shape, generator=dice.noise)
        with learner.on():
            predicted = learner.predict(latents, torch.tensor([500]), ["a cat"], [])
        return (predicted - target).square().mean()

    def validation(self, learner: Learner) -> float | None:
        with torch.no_grad(), learner.on(train=False):
            zeros = torch.zeros(1, learner.model.latent_channels, 8, 8)
            return learner.predict(zeros, torch.tensor([500]), ["a cat"], []).square().mean().item()

    def facts(self) -> dict[str, str]:
        return {"ss_training_comment": "spots"}


def stepped(model: Model, asked: TrainSettings, steps: int, devices: Devices | None = None) -> Training:
    training = Training(Learner(model, asked), Spots(), devices or Devices())
    for _ in range(steps):
        training.step()
    return training


def numbers(training: Training) -> torch.Tensor:
    return torch.cat([one.detach().flatten() for one in training.adapters.parameters()])


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "asked",
    [
        {"dropout": 0.3, "rank_dropout": 0.3, "module_dropout": 0.3},
        {"kind": "loha", "rank_dropout": 0.3},
        {"gradient_checkpointing": True, "dropout": 0.5},
        {"precision": "bfloat16"},
        {"precision": "float16"},
        {"optimizer": "adafactor"},
        {"optimizer": "prodigy", "rate": 1.0},
        {"optimizer": "schedulefree"},
        {"optimizer": "adamw8bit"},
    ],
    ids=str,
)
def test_whatever_is_random_or_kept_a_training_goes_on_bit_equal(
    plain_model: Model, tmp_path: Path, asked: dict[str, object]
) -> None:
    package = {"prodigy": "prodigyopt", "schedulefree": "schedulefree", "adamw8bit": "bitsandbytes"}
    if asked.get("optimizer") in package:
        pytest.importorskip(package[str(asked["optimizer"])])
    chosen = QUICK.over(asked)
    whole = stepped(plain_model, chosen, 3)
    first = stepped(plain_model, chosen, 2)
    keep_state(first, tmp_path, "a")
    second = stepped(plain_model, chosen, 0)
    assert take_up_state(second, tmp_path, "a")
    assert second.started == first.started
    second.step()
    assert torch.equal(numbers(whole), numbers(second))
    assert not torch.equal(numbers(first), numbers(second))


def test_blocks_that_are_computed_again_have_the_gradient_of_those_that_were_kept(plain_model: Model) -> None:
    """In the backward pass too, where the block of `on` is left: with the adapters, at their strength, the same ranks dropped."""
    found = []
    for again in (False, True):
        training = stepped(plain_model, QUICK.over({"gradient_checkpointing": again, "rank_dropout": 0.3}), 2)
        found.append(numbers(training))
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-6)


def test_dropouts_leave_out_and_make_up_for_it(plain_model: Model) -> None:
    asked = QUICK.over({"rank": 8})
    learner = Learner(plain_model, asked)
    with torch.no_grad():
        for one in learner.adapters.parameters():
            one.add_(torch.randn(one.shape, generator=torch.Generator().manual_seed(one.numel())) * 0.05)
    latents, alone = torch.randn(1, plain_model.latent_channels, 8, 8, generator=torch.Generator().manual_seed(1)), []

    @torch.no_grad()
    def seen(**dropped: float) -> torch.Tensor:
        learner.settings = replace(asked, **dropped)
        with learner.on(train=bool(dropped)):
            return learner.predict(latents, torch.tensor([300]), ["a cat"], [])

    with torch.no_grad():
        alone = learner.predict(latents, torch.tensor([300]), ["a cat"], [])
    whole = seen()
    assert torch.equal(seen(module_dropout=0.0, rank_dropout=0.0), whole)
    for dropped in ({"rank_dropout": 0.4}, {"dropout": 0.4}):
        mean = torch.stack([seen(**dropped) for _ in range(24)]).mean(0)
        assert not torch.equal(seen(**dropped), whole)
        assert (mean - whole).norm() < 0.5 * (whole - alone).norm()
    assert (seen(module_dropout=0.99) - alone).norm() < 0.6 * (whole - alone).norm()


def test_plain_dropout_of_another_kind_is_refused() -> None:
    for asked in ({"kind": "loha"}, {"dora": True}):
        with pytest.raises(RequestError, match="rank_dropout"):
            TrainSettings().over({"dropout": 0.1, **asked})


def test_rank_stabilised_adapters_are_scaled_by_the_root_and_read_back_so(plain_model: Model) -> None:
    learner = Learner(plain_model, QUICK.over({"rank": 4, "alpha": 2.0, "rs_lora": True}))
    slots = next(iter(learner.adapters.slots().values()))
    assert slots["alpha"].item() / slots["down"].shape[0] == pytest.approx(2 / 4**0.5)


def test_held_out_loss_is_the_same_until_something_is_learned(plain_model: Model) -> None:
    training = stepped(plain_model, QUICK, 0)
    before = training.validate()
    assert training.validate() == before
    training.step()
    assert training.validate() != before


@pytest.mark.parametrize("torn", [b"", b"4,2,0.3", b"junk\n"])
def test_losses_only_grow_and_are_exact_after_a_kill(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "losses.csv"

    def add(first: int, last: int, done: int) -> None:
        with Losses(path, done=done) as table:
            for step in range(first, last + 1):
                table.add(StepReport(step=step, of=9, epoch=1, loss=1 / step, rate=0.1), None)

    add(1, 5, 0)
    whole = path.read_bytes()
    inode = path.stat().st_ino
    path.write_bytes(whole[: whole.index(b"4,1")] + torn)
    add(4, 5, 3)
    assert path.read_bytes() == whole
    assert path.stat().st_ino == inode
    add(1, 5, 0)
    assert path.read_bytes() == whole


def test_a_full_disk_under_the_losses_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with (
        Losses(tmp_path / "losses.csv", done=0) as table,
        pytest.raises(FileError, match=r"No space left.*goes on from the last state"),
    ):
        table.settle()


@pytest.fixture(scope="module")
def samples() -> SampleSettings:
    return SampleSettings.of(
        {"prompts": ["red heart"], "strengths": [0, 1], "beside": [{"night_sky": 0.7}], "steps": 1, "every": 3}
    )


def test_samples_are_painted_beside_other_loras_and_change_nothing(
    mixer: Mixer, samples: SampleSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training that is watched writes the file of one that is not, byte for byte."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    sheets: list[tuple[str, int]] = []
    told = Watch(on_samples=lambda path, step: sheets.append((path.name, step)))
    (tmp_path / "plain").mkdir()
    plain = learn(mixer, Spots(), tmp_path / "plain" / "a.safetensors", QUICK, what=1)
    seen = learn(mixer, Spots(), tmp_path / "a.safetensors", replace(QUICK, samples=samples), what=1, watch=told)
    assert digest(plain.path) == digest(seen.path)
    assert sheets == [("step-000003.png", 3), ("step-000004.png", 4)]
    with Image.open(tmp_path / "a.training" / "samples" / "step-000004.png") as sheet:
        assert sheet.width > 2 * mixer.native_size[0]
        assert sheet.height > 2 * mixer.native_size[1]
    preview = read_picture(tmp_path / "a.preview.png")
    assert preview.request is not None
    assert [use.strength.denoiser for use in preview.request.loras] == [1]
    assert sorted(path.name for path in (tmp_path / "a.training" / "samples").iterdir()) == [
        "step-000003.png",
        "step-000004.png",
    ]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"prompts": []}, "need a prompt"),
        ({"prompts": ["a"], "strength": [1]}, "Did you mean strengths"),
        ({"prompts": ["a"], "strengths": ["x"]}, "list of numbers"),
        ({"prompts": ["a"], "beside": ["night_sky"]}, "list of tables"),
        ({"prompts": ["a"], "steps": 0}, "below 1"),
        ("a cat", "not a table"),
    ],
)
def test_wrong_samples_are_one_line(asked: object, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        TrainSettings().over({"samples": asked})


def test_samples_that_cannot_be_painted_are_refused_before_a_step(mixer: Mixer, tmp_path: Path) -> None:
    asked = QUICK.over({"samples": {"prompts": ["a"], "beside": [{"nowhere": 1}]}})
    steps: list[StepReport] = []
    for model, said in ((mixer, "nowhere"), (mixer.model, "give train the Mixer")):
        with pytest.raises(LoraMixerError, match=f"(?i){said}"):
            learn(model, Spots(), tmp_path / "a.safetensors", asked, what=1, watch=Watch(on_step=steps.append))
    assert not steps


def test_tensorboard_that_is_not_there_is_said_with_what_to_install(
    plain_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(RequestError, match="pip install tensorboard"):
        learn(plain_model, Spots(), tmp_path / "a.safetensors", replace(QUICK, tensorboard=True), what=1)


PROCESS = """
import sys
from pathlib import Path
import torch
sys.path[:0] = {paths!r}
from lora_mixer.models.folder import open_folder
from lora_mixer.trainer import Learner, Training, TrainSettings
from lora_mixer.trainer.devices import devices_in_use
from tests.trainer.test_engine import QUICK, Spots, numbers
torch.set_num_threads(1)
model = open_folder(Path({model!r}), name="emoji", dtype=torch.float32)
devices = devices_in_use()
assert devices.count == 2
training = Training(Learner(model, QUICK), Spots(), devices)
losses = [training.step().loss for _ in range(2)]
if devices.leads:
    torch.save((losses, numbers(training)), {out!r})
torch.distributed.destroy_process_group()
"""


def test_two_processes_with_a_batch_each_are_one_with_two(plain_model: Model, embedded: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    out, root = str(tmp_path / "two.pt"), str(Path(__file__).parents[2])
    script = PROCESS.format(paths=[root], model=str(embedded / "model"), out=out)
    shared = os.environ | {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
        "ACCELERATE_USE_CPU": "true",
    }
    command = [sys.executable, "-W", "ignore", "-c", script]
    both = [subprocess.Popen(command, env=shared | {"RANK": str(n), "LOCAL_RANK": str(n)}, cwd=root) for n in (0, 1)]
    alone = stepped(plain_model, QUICK.over({"accumulate": 2}), 0)
    losses = [alone.step().loss for _ in range(2)]
    try:
        assert [one.wait() for one in both] == [0, 0]
    finally:
        for one in both:
            one.kill()
    told, learned = torch.load(out)
    assert told == pytest.approx(losses, rel=1e-5)
    torch.testing.assert_close(learned, numbers(alone), rtol=1e-4, atol=1e-6)


def test_one_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from lora_mixer.trainer import own_device

    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert own_device() is None


@pytest.fixture(scope="module")
def trained(plain_model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("trained") / "a.safetensors"
    learn(plain_model, Spots(), path, QUICK.over({"text_rate": 1e-2, "save_dtype": "float32"}), what=1)
    return path


def test_the_text_encoders_rates_are_their_own() -> None:
    asked = TrainSettings(rate=1e-3, text_rate=1e-4, text_rate_2=0.0)
    assert [asked.rate_of(part) for part in ("denoiser", "te1", "te2")] == [1e-3, 1e-4, 0]
    assert [TrainSettings().rate_of(part) for part in ("te1", "te2")] == [0, 0]
    assert TrainSettings(text_rate=1e-4).rate_of("te2") == 1e-4


def test_diffusers_peft_and_lycoris_read_the_file_as_it_was_trained(
    trained: Path, embedded: Path, mixer: Mixer
) -> None:
    """Each finds the change that this program applies, in every layer."""
    from diffusers import StableDiffusionPipeline

    lycoris = pytest.importorskip("lycoris.modules")
    parsed, read = open_adapter(trained)
    adapter = map_adapter(parsed, mixer.model.index, name="a", digest="0", read=read)
    pipe = StableDiffusionPipeline.from_pretrained(embedded / "model", safety_checker=None)
    pipe.load_lora_weights(trained)
    by_peft = {
        f"{part}:{name}": one
        for part, network in (("denoiser", pipe.unet), ("te1", pipe.text_encoder))
        for name, one in network.named_modules()
        if hasattr(one, "get_delta_weight")
    }
    tensors = load_file(trained)
    assert len(by_peft) == len(adapter.layers) == len(tensors) // 3
    for name, layer in adapter.layers.items():
        module = mixer.model.module(name)
        ours = layer.delta(Weights(weight=module.weight, bias=None)).weight
        assert ours is not None
        peft = next(
            one
            for key, one in by_peft.items()
            if str(name).replace("text_model.", "") == key.replace("text_model.", "")
        )
        torch.testing.assert_close(peft.get_delta_weight(peft.active_adapters[0]).float(), ours, rtol=1e-3, atol=1e-6)
        key = kohya_name(name, mixer.model.family, mixer.model.index)
        kind, slots = lycoris.get_module(tensors, key)
        theirs = lycoris.make_module(kind, slots, key, module).get_diff_weight(1.0)[0]
        torch.testing.assert_close(theirs.reshape(ours.shape).float(), ours, rtol=1e-4, atol=1e-7)
