"""Training on the embedded model: it learns, goes on bit-equal after any end, and is what PEFT's loop computes."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

from lora_mixer.conditioning import Conditioner
from lora_mixer.errors import CancelledError, ConfigError, FileError, LoraMixerError, RequestError
from lora_mixer.export.writing import write_tensors
from lora_mixer.mapping import map_adapter, open_adapter
from lora_mixer.models import Model
from lora_mixer.prompt import Words
from lora_mixer.sampling import signal_shares
from lora_mixer.trainer import (
    Dice,
    Learner,
    PictureLesson,
    StepReport,
    Training,
    TrainSettings,
    Watch,
    learning,
    train,
)
from lora_mixer.trainer.buckets import Bucket
from lora_mixer.trainer.dataset import Example
from lora_mixer.trainer.noise import huber_c_of, loss_of, noise_like, noised, target_of, weights_of
from lora_mixer.trainer.picture_lesson import Shown
from lora_mixer.trainer.pictures import Encoded, LatentCache
from lora_mixer.trainer.state import keep_state, take_up_state

HALF = torch.tensor([0.5])
QUICK = TrainSettings(steps=4, batch=2, rank=2, rate=1e-3, checkpoint_every=2, resolution=64, warmup=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four small pictures with captions."""
    made = tmp_path_factory.mktemp("pictures")
    for i in range(4):
        rng = np.random.default_rng(i)
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)).resize((96, 64 + 32 * (i % 2))).save(
            made / f"{i}.png"
        )
        (made / f"{i}.txt").write_text(f"red heart, number {i}")
    return made


def shown(model: Model, count: int = 3, seed: int = 0) -> dict[int, Shown]:
    generator = torch.Generator().manual_seed(seed)
    size = (2, model.latent_channels, 8, 8)
    return {
        i: Shown(
            example=Example(path=Path(f"{i}.png"), caption=f"cat {i}", width=64, height=64),
            encoded=Encoded(
                mean=torch.randn(size, generator=generator),
                deviation=torch.rand(size, generator=generator) * 0.1,
                mask=None,
                crop=(0, 0),
            ),
            bucket=Bucket(width=64, height=64),
        )
        for i in range(count)
    }


@pytest.mark.parametrize("flip", [False, True])
def test_mirror_images_are_encoded_where_some_are_mirrored_alone(
    plain_model: Model, folder: Path, tmp_path: Path, *, flip: bool
) -> None:
    one = Example(path=folder / "0.png", caption="", width=96, height=64), Bucket(width=64, height=64)
    for _ in ("encoded", "read back"):
        found, broken = LatentCache(plain_model, tmp_path, flip=flip).encode({0: one})
        assert not broken
        assert len(found[0].mean) == len(found[0].deviation) == 1 + flip


def training_of(model: Model, asked: TrainSettings, data: dict[int, Shown] | None = None) -> Training:
    return Training(Learner(model, asked), PictureLesson(asked, data or shown(model)))


def tensors(training: Training) -> dict[str, torch.Tensor]:
    return {f"{name}.{slot}": t for name, slots in training.adapters.slots().items() for slot, t in slots.items()}


def test_the_loss_falls_and_the_model_stays(plain_model: Model) -> None:
    before = plain_model.checksum()
    training = training_of(plain_model, TrainSettings(steps=16, batch=3, rank=4, rate=5e-3, warmup=0))
    losses = [training.step().loss for _ in range(16)]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    assert plain_model.checksum() == before


@pytest.mark.parametrize(("ended", "optimizer"), [(1, "adamw"), (3, "sgd")])
def test_an_ended_training_goes_on_bit_equal(plain_model: Model, tmp_path: Path, ended: int, optimizer: str) -> None:
    place = tmp_path
    asked = TrainSettings(
        steps=4, batch=2, rank=2, flip=True, shuffle=True, caption_dropout=0.3, noise_offset=0.1, optimizer=optimizer
    )
    whole = training_of(plain_model, asked)
    for _ in range(4):
        whole.step()
    first = training_of(plain_model, asked)
    for _ in range(ended):
        first.step()
    keep_state(first, place, "a")
    second = training_of(plain_model, asked)
    assert take_up_state(second, place, "a")
    assert second.done == ended
    while second.done < 4:
        second.step()
    assert all(torch.equal(a, b) for a, b in zip(tensors(whole).values(), tensors(second).values(), strict=True))
    with pytest.raises(RequestError, match="another training"):
        take_up_state(second, place, "b")
    (place / "state.pt").write_bytes(b"torn")
    with pytest.raises(FileError, match="damaged"):
        take_up_state(second, place, "a")


def test_our_loop_is_pefts_loop(plain_model: Model) -> None:
    """The same data, noise and start: losses and weights of a plain PEFT loop, to 1e-4 (float32)."""
    import peft

    asked = TrainSettings(steps=5, batch=2, rank=3, rate=1e-3, warmup=0, schedule="constant", clip=1.0)
    data = shown(plain_model)
    ours = training_of(plain_model, asked, data)
    slots = {name.partition(":")[2]: group for name, group in ours.adapters.slots().items()}
    start = {name: {slot: value.clone() for slot, value in group.items()} for name, group in slots.items()}
    batches = [ours.lesson.order.at(step) for step in range(5)]
    losses = [ours.step().loss for _ in range(5)]

    unet = copy.deepcopy(plain_model.denoiser.network).requires_grad_(requires_grad=False)
    config = peft.LoraConfig(r=3, lora_alpha=3, target_modules=list(start))
    peft.inject_adapter_in_model(config, unet)
    for name, group in start.items():
        layer = unet.get_submodule(name)
        layer.lora_A["default"].weight.data = group["down"].clone()
        layer.lora_B["default"].weight.data = group["up"].clone()
    trained = [p for p in unet.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-3, weight_decay=asked.weight_decay)
    conditioner, shares = Conditioner(plain_model), signal_shares(plain_model.scheduler_config)
    for step, numbers in enumerate(batches):
        generator = Dice.of(0, step).noise
        latents = torch.stack([data[n].encoded.drawn(generator, flipped=False) for n in numbers])
        times = torch.randint(len(shares), (len(numbers),), generator=generator)
        noise = torch.randn(latents.shape, generator=generator)
        texts = torch.cat([conditioner.encode([Words(text=data[n].example.caption)]).tokens for n in numbers])
        predicted = unet(noised(latents, noise, shares[times]), times, encoder_hidden_states=texts).sample
        loss = torch.nn.functional.mse_loss(predicted, target_of(latents, noise, shares[times], plain_model.prediction))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        assert abs(loss.item() - losses[step]) < 1e-4 * max(1, losses[step])
    for name, group in ours.adapters.slots().items():
        layer = unet.get_submodule(name.partition(":")[2])
        torch.testing.assert_close(group["down"], layer.lora_A["default"].weight, rtol=0, atol=1e-4)
        torch.testing.assert_close(group["up"], layer.lora_B["default"].weight, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"conv_rank": 2, "text_rate": 1e-4},
        {"kind": "loha"},
        {"kind": "lokr", "factor": 4},
        {"dora": True},
        {"alpha": 1.0, "block_ranks": {"up_blocks.1": 4, "mid_block": 0}},
    ],
    ids=str,
)
def test_the_loader_reads_what_the_trainer_writes_bit_for_bit(
    plain_model: Model, folder: Path, tmp_path: Path, asked: dict[str, object]
) -> None:
    seen: list[Training] = []

    def kept(training: Training, *_: object) -> None:
        seen.append(training)

    chosen = QUICK.over({"steps": 1, "save_dtype": "float32", **asked})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning, "keep_state", kept)
        made = train(plain_model, folder, tmp_path / "a.safetensors", chosen)
    parsed, read = open_adapter(made.path)
    adapter = map_adapter(parsed, plain_model.index, name="a", digest="0", read=read)
    assert {str(name) for name in adapter.layers} == set(seen[-1].adapters.names)
    for name, slots in seen[-1].adapters.slots().items():
        layer = next(layer for key, layer in adapter.layers.items() if str(key) == name)
        assert {slot for slot in layer.slots if slot != "alpha"} == {slot for slot in slots if slot != "alpha"}
        assert all(torch.equal(layer.slots[slot], value) for slot, value in slots.items() if slot != "alpha")
    with safe_open(made.path, "pt") as file:
        told = file.metadata()
    assert json.loads(told["ss_tag_frequency"])[f"1_{folder.name}"]["red heart"] == 4
    assert told["ss_base_model_version"] == "lora_mixer_emoji"


def test_a_training_ends_goes_on_and_is_the_undisturbed_one(plain_model: Model, folder: Path, tmp_path: Path) -> None:
    whole = train(plain_model, folder, tmp_path / "whole.safetensors", QUICK)
    told: list[str] = []

    def stop(report: StepReport) -> None:
        if report.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(plain_model, folder, tmp_path / "cut.safetensors", QUICK, watch=Watch(on_step=stop))
    with pytest.raises(CancelledError, match="step 2 of 4"):
        train(
            plain_model,
            folder,
            tmp_path / "cut.safetensors",
            QUICK,
            watch=Watch(cancelled=iter([0] * 4 + [1]).__next__),
        )
    cut = train(plain_model, folder, tmp_path / "cut.safetensors", QUICK, watch=Watch(say=told.append))
    assert (whole.resumed_at, cut.resumed_at) == (0, 2)
    assert [said for said in told if "memory" not in said] == ["going on at step 2 of 4"]
    assert any("layers learn; about" in said for said in told)
    one, two = load_file(whole.path), load_file(cut.path)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[key], two[key]) for key in one)
    rows = (tmp_path / "cut.training" / "losses.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", "1", "2", "3", "4"]
    with pytest.raises(RequestError, match="another training"):
        train(plain_model, folder, tmp_path / "cut.safetensors", QUICK.over({"rate": 0.5}))


def test_a_full_disk_keeps_the_last_state(
    plain_model: Model, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(plain_model, folder, tmp_path / "whole.safetensors", QUICK)
    saves = iter([torch.save])

    def full(state: object, out: object) -> None:
        real = next(saves, None)
        if real is None:
            raise OSError(28, "No space left on device")
        real(state, out)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(FileError, match="No space left"):
            train(plain_model, folder, tmp_path / "a.safetensors", QUICK)
    made = train(plain_model, folder, tmp_path / "a.safetensors", QUICK)
    assert made.resumed_at == 2
    one, two = load_file(whole.path), load_file(made.path)
    assert all(torch.equal(one[key], two[key]) for key in one)


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Let the kernel itself refuse to write beyond a size, as it does on a full disk."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 100, 9_000, 30_000])
def test_what_the_kernel_refuses_to_write_is_one_line_of_ours_and_loses_nothing(
    plain_model: Model, tmp_path: Path, room: int
) -> None:
    """Wherever in a file it happens: torch and safetensors each wrap what the system says in words of their own."""
    training = Training(Learner(plain_model, QUICK.over({"rank": 1})), PictureLesson(QUICK, shown(plain_model)))
    state, lora = tmp_path / "state.pt", tmp_path / "a.safetensors"
    keep_state(training, tmp_path, "a")
    write_tensors(lora, training.adapters.slots()[training.adapters.names[0]], {})
    before = state.read_bytes(), lora.read_bytes()
    big = {"a": torch.zeros(10_000)}
    for write, said in (
        (lambda: keep_state(training, tmp_path, "b"), "the state of the training cannot be saved: File too large"),
        (lambda: write_tensors(lora, big, {}), "cannot be written: File too large"),
    ):
        with files_up_to(room), pytest.raises(FileError) as refused:
            write()
        assert said in str(refused.value)
        assert "\n" not in str(refused.value)
    assert (state.read_bytes(), lora.read_bytes()) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.safetensors", "state.pt"]


@given(share=st.floats(0.001, 0.999), gamma=st.floats(0.5, 20))
def test_min_snr_never_weighs_more_than_one_and_leaves_noisy_steps(share: float, gamma: float) -> None:
    shares = torch.tensor([share], dtype=torch.float64)
    snr = share / (1 - share)
    weight = weights_of(shares, TrainSettings(min_snr_gamma=gamma), "epsilon").item()
    assert weight == pytest.approx(min(snr, gamma) / snr)
    velocity = weights_of(shares, TrainSettings(min_snr_gamma=gamma), "v_prediction").item()
    assert velocity == pytest.approx(min(snr, gamma) / (snr + 1))


@given(seed=st.integers(0, 99), share=st.floats(0.01, 0.99))
def test_noise_and_velocity_give_the_picture_back(seed: int, share: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    x, e = torch.randn(2, 1, 2, 3, 3, generator=generator, dtype=torch.float64)
    shares = torch.tensor([share], dtype=torch.float64)
    shown = noised(x, e, shares)
    v = target_of(x, e, shares, "v_prediction")
    torch.testing.assert_close(share**0.5 * shown - (1 - share) ** 0.5 * v, x)
    assert target_of(x, e, shares, "epsilon") is e


@given(
    difference=st.floats(2**-26, 2**26, width=32),
    c=st.floats(2**-10, 2**10, width=32),
    loss=st.sampled_from(["huber", "smooth_l1"]),
)
def test_huber_keeps_its_digits_however_small_the_difference(difference: float, c: float, loss: str) -> None:
    asked = TrainSettings(loss=loss, huber_c=c)
    told = loss_of(torch.full((1, 1, 1, 1), difference), torch.zeros(1, 1, 1, 1), asked, HALF).item()
    with localcontext(prec=60):
        d, edge = Decimal(difference), Decimal(c)
        exact = 2 * ((d * d + edge * edge).sqrt() - edge) * (edge if loss == "huber" else 1)
    assert told == pytest.approx(float(exact), rel=1e-5)


def test_huber_is_square_near_zero_and_straight_far_away() -> None:
    small, large = torch.full((1, 1, 1, 1), 1e-3), torch.full((1, 1, 1, 1), 1e3)
    asked = TrainSettings(loss="huber", huber_c=0.1)
    assert loss_of(small, torch.zeros_like(small), asked, HALF).item() == pytest.approx(1e-6, rel=1e-3)
    assert loss_of(large, torch.zeros_like(large), asked, HALF).item() == pytest.approx(2 * 0.1 * 1e3, rel=1e-3)


def test_weights_and_thresholds_are_the_numbers_of_their_sources() -> None:
    """Worked by hand: SNR 4 at a share of 0.8, 9 at 0.9; sd-scripts' Huber threshold at sigma 1."""
    at = torch.tensor([0.8, 0.9])
    for prediction, min_snr, debiased in (
        ("epsilon", [1.0, 5 / 9], [1 / 2, 1 / 3]),
        ("v_prediction", [4 / 5, 5 / 10], [1 / 5, 1 / 10]),
    ):
        assert weights_of(at, TrainSettings(min_snr_gamma=5), prediction).tolist() == pytest.approx(min_snr, rel=1e-5)
        assert weights_of(at, TrainSettings(debiased=True), prediction).tolist() == pytest.approx(debiased, rel=1e-5)
    asked = TrainSettings(loss="huber", huber_c=0.1, huber_schedule="snr")
    assert huber_c_of(HALF, asked).item() == pytest.approx(0.9 / 4 + 0.1)
    one = torch.ones(1, 1, 1, 1)
    for loss, expected in (("huber", 2 * 0.325 * (1.105625**0.5 - 0.325)), ("smooth_l1", 2 * (1.105625**0.5 - 0.325))):
        told = loss_of(one, 0 * one, TrainSettings(loss=loss, huber_c=0.1, huber_schedule="snr"), HALF)
        assert told.item() == pytest.approx(expected, rel=1e-5)


def test_zero_terminal_snr_is_the_papers_rescaling() -> None:
    """Lin et al. 2023, algorithm 1, in numpy: sqrt(a) shifted so that it ends at 0 and stretched so that it begins as before."""
    config = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}
    roots = np.sqrt(np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2))
    expected = ((roots - roots[-1]) * roots[0] / (roots[0] - roots[-1])) ** 2
    told = signal_shares({**config, "rescale_betas_zero_snr": True, "prediction_type": "v_prediction"})
    np.testing.assert_allclose(told.numpy(), expected, atol=1e-5)
    assert weights_of(told[-1:], TrainSettings(min_snr_gamma=5), "v_prediction").item() == pytest.approx(0, abs=1e-5)


def test_coarse_noise_is_of_unit_deviation_and_offsets_are_a_number_a_channel() -> None:
    latents = torch.zeros(8, 4, 32, 32)

    def coarse(**asked: object) -> tuple[float, float]:
        noise = noise_like(latents, TrainSettings().over(asked), torch.Generator().manual_seed(0))
        return noise.std().item(), torch.nn.functional.avg_pool2d(noise, 16).std().item()

    assert coarse() == pytest.approx((1, 1 / 16), rel=0.2)
    whole, blocks = coarse(multires=6, multires_discount=0.8)
    assert whole == pytest.approx(1, abs=1e-5)
    assert blocks > 2 / 16
    offset = coarse(noise_offset=0.5)
    assert offset == pytest.approx((1.25**0.5, (0.25 + 1 / 256) ** 0.5), rel=0.25)


@pytest.mark.parametrize(
    ("text", "said"),
    [("rnak = 3", "Did you mean rank"), ("rank = 0", "out of range"), ("rank = 'x'", "rank"), ("= 3", "no TOML")],
)
def test_a_wrong_settings_file_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        TrainSettings.read(tmp_path / "a.toml")


@pytest.mark.parametrize(
    "asked",
    [{"optimizer": "adma"}, {"targets": "nothing"}, {"block_ranks": {"nowhere": 3}}],
    ids=str,
)
def test_what_cannot_be_trained_is_said_before_it_begins(plain_model: Model, asked: dict[str, object]) -> None:
    with pytest.raises(LoraMixerError):
        training_of(plain_model, QUICK.over(asked))


def test_the_documents_table_of_settings_is_the_dataclass() -> None:
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text()
    table = text[text.index("| setting |") : text.index("`block_ranks` in TOML")]
    told = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE))
    defaults = {field.name: field.default for field in fields(TrainSettings)}
    assert told.keys() == defaults.keys()
    for name, said in told.items():
        default = defaults[name]
        assert said == ("none" if default is None else str(default).lower() if isinstance(default, bool) else said)
        if not isinstance(default, bool) and default is not None:
            assert type(default)(said) == default
