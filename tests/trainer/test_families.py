"""SD 1.x, 2.x and SDXL learn: one whole step at reduced width, whose loss is what diffusers' own parts compute."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from diffusers import DDPMScheduler
from torch import Tensor
from torch.nn import functional as F

from lora_mixer.families import SD1, SD2, SDXL, Family
from lora_mixer.mapping import map_adapter, open_adapter
from lora_mixer.models import Model
from lora_mixer.modules import DENOISER
from lora_mixer.trainer import Dice, PictureLesson, StepReport, TrainSettings, Watch, learn, learning
from lora_mixer.trainer.buckets import Bucket
from lora_mixer.trainer.dataset import Example
from lora_mixer.trainer.memory import Memory
from lora_mixer.trainer.picture_lesson import Shown
from lora_mixer.trainer.pictures import Encoded
from tests.support.small_models import small_model

ONE = TrainSettings(steps=1, batch=2, rank=2, rate=1e-3, warmup=0, schedule="constant", resolution=128)
LAYERS = {SD1: 192, SD2: 192, SDXL: 722}
"""What sd-scripts counts of their UNets' attention."""
CROP = (8, 24)


@pytest.fixture(autouse=True)
def unreckoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is reckoned at full size in test_memory.py; here it would take most of the time."""
    monkeypatch.setattr(learning, "reckon", lambda *_: Memory(weights=0, adapters=0, activations=0))


@pytest.fixture(scope="module")
def shown() -> dict[int, Shown]:
    generator = torch.Generator().manual_seed(0)
    return {
        number: Shown(
            example=Example(path=Path(f"{number}.png"), caption=caption, width=160, height=144),
            encoded=Encoded(
                mean=torch.randn(2, 4, 16, 16, generator=generator),
                deviation=torch.rand(2, 4, 16, 16, generator=generator),
                mask=None,
                crop=CROP,
            ),
            bucket=Bucket(width=128, height=128),
        )
        for number, caption in enumerate(("a red heart", "two cats on a sofa"))
    }


def loss_by_diffusers(model: Model, shown: Sequence[Shown]) -> float:
    """The first step's loss, by diffusers' noise scheduler, UNet and transformers' encoders alone."""
    dice = Dice.of(ONE.seed, 0)
    latents = torch.stack([one.encoded.drawn(dice.noise, flipped=False) for one in shown])
    noises = DDPMScheduler.from_config(dict(model.scheduler_config))
    times = torch.randint(noises.config.num_train_timesteps, (2,), generator=dice.noise)
    noise = torch.randn(latents.shape, generator=dice.noise)
    tokens, pooled = described(model, [one.example.caption for one in shown])
    ids = torch.tensor([[144.0, 160, *CROP, 128, 128]] * 2)
    added = {"text_embeds": pooled, "time_ids": ids} if model.family is SDXL else None
    noisy = noises.add_noise(latents, noise, times)
    predicted = model.denoiser.network(noisy, times, tokens, added_cond_kwargs=added).sample
    velocity = noises.config.prediction_type == "v_prediction"
    target = noises.get_velocity(latents, noise, times) if velocity else noise
    return F.mse_loss(predicted, target).item()


@torch.no_grad()
def described(model: Model, captions: list[str]) -> tuple[Tensor, Tensor | None]:
    """What captions are to the UNet: the last layer, or of SDXL both encoders' second to last, and what is pooled."""
    found, pooled = [], None
    for part, encoder in model.text_encoders.items():
        tokenizer = model.tokenizers[part]
        ids = tokenizer(captions, padding="max_length", max_length=77, return_tensors="pt").input_ids
        said = encoder(ids, output_hidden_states=True)
        found.append(said.hidden_states[-2] if model.family is SDXL else said.last_hidden_state)
        pooled = said.get("text_embeds")
    return torch.cat(found, -1), pooled


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("family", [SD1, SD2, SDXL], ids=str)
def test_every_family_takes_a_whole_step(
    family: Family, prediction: str, shown: dict[int, Shown], tmp_path: Path
) -> None:
    """Forward, backward, optimizer, file: all layers of the UNet have learned, no text encoder has, the model is as it was."""
    model = small_model(family, prediction_type=prediction)
    lesson, before, reports = PictureLesson(ONE, shown), model.checksum(), list[StepReport]()
    made = learn(model, lesson, tmp_path / "a.safetensors", ONE, what=1, watch=Watch(on_step=reports.append))
    assert [one.loss for one in reports] == pytest.approx(
        [loss_by_diffusers(model, [shown[number] for number in lesson.order.at(0)])], rel=1e-5
    )
    assert made.layers == LAYERS[family]
    file, read = open_adapter(made.path)
    mapped = map_adapter(file, model.index, name="a", digest="0", read=read)
    assert len(mapped.layers) == LAYERS[family]
    assert {name.part for name in mapped.layers} == {DENOISER}
    assert all(layer.factors().up.any() for layer in mapped.layers.values())
    assert model.checksum() == before


@pytest.mark.parametrize(
    ("asked", "parts"),
    [({"text_rate": 1e-3}, {DENOISER, "te1", "te2"}), ({"text_rate": 1e-3, "text_rate_2": 0.0}, {DENOISER, "te1"})],
    ids=["both", "the first"],
)
def test_text_encoders_of_sdxl_learn_when_they_are_asked_to(
    asked: dict[str, float], parts: set[str], shown: dict[int, Shown], tmp_path: Path
) -> None:
    model, chosen = small_model(SDXL), ONE.over(asked | {"targets": r"^down_blocks\.1\."})
    made = learn(model, PictureLesson(chosen, shown), tmp_path / "a.safetensors", chosen, what=1)
    file, read = open_adapter(made.path)
    mapped = map_adapter(file, model.index, name="a", digest="0", read=read)
    assert {name.part for name in mapped.layers} == parts
    text = [layer for name, layer in mapped.layers.items() if name.part != DENOISER]
    assert any(layer.factors().up.any() for layer in text)
