"""Sliders from two prompts: nothing where both say the same, exactly the base at 0, and a direction that is learned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file
from typer.testing import CliRunner

from lora_mixer import Mixer
from lora_mixer.errors import CancelledError, ConfigError, LoraMixerError, RequestError
from lora_mixer.models import Model
from lora_mixer.trainer import Learner, SliderLesson, SliderSettings, Training, TrainSettings, Watch, train_slider
from lora_mixer.trainer.slider_lesson import KEY, directed, prompts_of
from lora_mixer_app.cli import build

QUICK = TrainSettings(steps=3, batch=2, rank=2, rate=3e-3, warmup=0, checkpoint_every=2)
HEARTS = SliderSettings(positive="red heart", negative="blue heart", subject="heart", pictures=2, steps=1)


def training(model: Model, slider: SliderSettings, **values: object) -> Training:
    latents = torch.randn(3, model.latent_channels, 8, 8, generator=torch.Generator().manual_seed(1))
    lesson = SliderLesson(slider, latents, batch=2, size=(64, 64))
    return Training(Learner(model, QUICK.over({"steps": 12, **values})), lesson)


@torch.no_grad()
def asked_of(made: Training) -> float:
    """Return the loss of batches that are not learned."""
    return sum(made.lesson.loss(made.learner, batch).item() for batch in range(100, 104))


def test_equal_prompts_teach_nothing(plain_model: Model) -> None:
    """The target is the model's own answer bit by bit, so that B stays zero under any optimizer."""
    same = training(plain_model, SliderSettings(positive="red heart", negative="red heart", subject="heart"))
    assert [same.step().loss for _ in range(3)] == [0.0, 0.0, 0.0]
    assert all(not group["up"].any() for group in same.adapters.slots().values())


def test_it_learns_the_direction_and_at_zero_it_is_the_base(plain_model: Model) -> None:
    before = plain_model.checksum()
    made = training(plain_model, HEARTS, rank=4, rate=3e-3, schedule="constant")
    first = asked_of(made)
    for _ in range(12):
        made.step()
    assert asked_of(made) < 0.9 * first
    assert plain_model.checksum() == before
    shown, times = torch.randn(1, plain_model.latent_channels, 8, 8), torch.tensor([500])
    lesson = made.lesson
    assert isinstance(lesson, SliderLesson)
    with torch.no_grad():
        plain = made.learner.predict(shown, times, ["heart"], [])
        with made.learner.on(0.0):
            assert torch.equal(made.learner.predict(shown, times, ["heart"], []), plain)
        with made.learner.on(1.0):
            assert not torch.equal(made.learner.predict(shown, times, ["heart"], []), plain)


@given(eta=st.floats(-3, 3), seed=st.integers(0, 99))
def test_the_direction_is_that_of_the_paper(eta: float, seed: int) -> None:
    neutral, positive, negative = torch.randn(
        3, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    target = directed(neutral, positive, negative, eta=eta)
    torch.testing.assert_close(target - neutral, eta * positive - eta * negative)
    torch.testing.assert_close(directed(neutral, negative, positive, eta=-eta), target)
    assert torch.equal(directed(neutral, positive, positive, eta=eta), neutral)


def test_the_words_to_keep_stand_in_all_three_prompts() -> None:
    slider = SliderSettings(
        positive="old", negative="young person", subject="person", keep=["woman", "man"], pictures=7
    )
    assert [tuple(prompts) for prompts in slider.prompts()] == [
        (f"{kept}, person", f"{kept}, person, old", f"{kept}, young person") for kept in ("woman", "man")
    ]
    assert len(prompts_of(slider)) == 7
    assert set(prompts_of(slider)) == {prompt for prompts in slider.prompts() for prompt in prompts}


def test_a_slider_goes_on_bit_equal_and_its_file_says_what_it_is(mixer: Mixer, tmp_path: Path) -> None:
    asked = QUICK.over({"slider": HEARTS, "save_dtype": "float32"})
    whole = train_slider(mixer, tmp_path / "whole.safetensors", asked)
    stops = iter([False] * 4 + [True])
    with pytest.raises(CancelledError):
        train_slider(mixer, tmp_path / "cut.safetensors", asked, watch=Watch(cancelled=lambda: next(stops)))
    drawn: list[int] = []
    watch = Watch(on_picture=lambda done, _of: drawn.append(done))
    cut = train_slider(mixer, tmp_path / "cut.safetensors", asked, watch=watch)
    assert (cut.resumed_at, drawn) == (2, [])
    one, two = load_file(whole.path), load_file(cut.path)
    assert all(torch.equal(one[key], two[key]) for key in one)
    with safe_open(whole.path, "pt") as file:
        assert json.loads(file.metadata()[KEY])["positive"] == "red heart"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('slider = { positive = "a" }', "two prompts"),
        ('slider = { positive = "a", negative = "b", subjcet = "c" }', "Did you mean subject"),
        ("slider = 3", "a table"),
        ('slider = { positive = "a", negative = "b", guidance = -1 }', "out of range"),
        ('slider = { positive = "a", negative = "b", keep = [3] }', "list of texts"),
    ],
)
def test_a_wrong_slider_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        TrainSettings.read(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--slider", "red", "red"], "both ends"),
        (["--slider", "red", " "], "words at both ends"),
        ([".", "--slider", "red", "blue"], "not from pictures"),
        ([], "nothing to learn from"),
    ],
)
def test_the_command_refuses_what_teaches_nothing(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(build("train"), ["train", "-o", str(tmp_path / "a.safetensors"), *arguments])
    assert isinstance(done.exception, LoraMixerError)
    assert said in str(done.exception)


def test_the_command_trains_a_slider(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("steps = 1\nbatch = 1\nrank = 1\nresolution = 64\n")
    arguments = ["train", "-o", str(tmp_path / "a.safetensors"), "--config", str(tmp_path / "a.toml"), "--dry-run"]
    done = CliRunner().invoke(build("train"), [*arguments, "--slider", "red", "blue"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "from 'blue' to 'red'" in done.output


def test_settings_without_a_slider_are_refused(mixer: Mixer, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no slider"):
        train_slider(mixer, tmp_path / "a.safetensors", QUICK)
