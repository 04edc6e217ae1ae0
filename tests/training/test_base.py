"""The base's run is the same run after a stop, and can begin with the shipped networks."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from training import base, tokenizer
from training.loop import Budget, Loop
from training.paths import ROOT
from training.subjects import Emoji

MODEL = ROOT / "lora_mixer" / "data" / "emoji" / "model"
SUBJECTS = [
    Emoji(hexcode=code, label=label, tags=(), group="animals-nature", subgroup="animal-mammal")
    for code, label in (("1F431", "cat face"), ("1F680", "rocket"), ("1F98A", "fox"))
]
CHANNELS = json.loads((MODEL / "unet" / "config.json").read_text())["in_channels"]


@pytest.fixture
def latents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    looks = [("plain", ""), ("backed", ""), ("recoloured", "red"), ("recoloured", "blue")]
    looks += [("recoloured backed", "brown"), ("degraded", "")]
    rows = [
        {"subject": subject, "kind": kind, "look": {"colour": colour}} for subject in range(3) for kind, colour in looks
    ]
    generator = torch.Generator().manual_seed(0)
    saved = {"latents": torch.randn(len(rows), CHANNELS, 16, 16, generator=generator), "rows": rows}
    torch.save(saved | {"paper": torch.zeros(CHANNELS)}, tmp_path / "looks.pt")
    monkeypatch.setattr(base, "load_subjects", lambda: SUBJECTS)
    monkeypatch.setattr(base, "WORDS_IMAGES", 4)
    monkeypatch.setattr(base, "CANVAS_SHARE", 0.5)

    def shipped(strings: list[str]) -> tokenizer.CompactTokenizer:
        return tokenizer.CompactTokenizer(strings, MODEL / "tokenizer")

    monkeypatch.setattr(base, "CompactTokenizer", shipped)
    return tmp_path


def train(folder: Path, latents: Path, images: int) -> Loop:
    loop, step = base.make_loop(Budget(images=images), 4, folder, latents)
    loop.shape = lambda _: 1.0
    loop.run(step)
    return loop


def tensors(loop: Loop) -> dict[str, Tensor]:
    trained = {f"{name}.{key}": v for name, m in loop.modules.items() for key, v in m.state_dict().items()}
    averages = {f"average {name}.{key}": v for name, values in loop.average.items() for key, v in values.items()}
    moments = loop.optimizer.state_dict()["state"]
    return trained | averages | {f"{number} {key}": v for number, one in moments.items() for key, v in one.items()}


def test_a_resumed_run_is_the_unbroken_one_bit_for_bit(latents: Path, tmp_path: Path) -> None:
    unbroken = tensors(train(tmp_path / "whole", latents, 12))
    train(tmp_path / "broken", latents, 6)
    resumed = tensors(train(tmp_path / "broken", latents, 12))
    assert unbroken.keys() == resumed.keys()
    assert [key for key, value in unbroken.items() if not torch.equal(value, resumed[key])] == []


def test_it_can_begin_with_the_shipped_networks(latents: Path, tmp_path: Path) -> None:
    loop, _ = base.make_loop(Budget(images=4), 4, tmp_path / "run", latents, MODEL)
    loop.save()
    again, _ = base.make_loop(Budget(images=4), 4, tmp_path / "run", latents)
    assert again.peaks == loop.peaks == [base.RATE_AGAIN]
    text, unet, numbered = base.load_base(tmp_path / "run")
    shipped = base.open_unet(MODEL / "unet").state_dict()
    assert all(torch.equal(value, shipped[key]) for key, value in unet.state_dict().items())
    ids = numbered(["a cat", "blue rocket"], 8)
    known = base.CLIPTextModel.from_pretrained(MODEL / "text_encoder", dtype=torch.float32)
    with torch.no_grad():
        states = text(ids).last_hidden_state
        expected = known(numbered.kept[ids]).last_hidden_state
    assert torch.allclose(states, expected, atol=1e-5)


@pytest.mark.parametrize("draw", [base.Looks.draw, base.Looks.draw_canvases])
def test_draws_follow_the_seed(latents: Path, draw: Callable[..., tuple[Tensor, list[str]]]) -> None:
    looks = base.Looks(latents)
    first, again, other = (draw(looks, 8, random.Random(seed)) for seed in (1, 1, 2))
    assert torch.equal(first[0], again[0])
    assert first[1] == again[1]
    assert first[1] != other[1]


def test_hard_colours_are_drawn_more_often(latents: Path) -> None:
    looks = base.Looks(latents)
    rows, _ = looks.draw(4000, random.Random(0))
    colours = [looks.looks[row].colour for row in rows.tolist()]
    assert colours.count("red") == pytest.approx(base.HARD_COLOURS["red"] * colours.count("blue"), rel=0.15)


def test_a_pair_shows_its_subjects_on_their_sides(latents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "PAIR_SHARE", 1.0)
    looks = base.Looks(latents)
    pictures, captions = looks.draw_canvases(30, random.Random(3), empty=0)
    assert pictures.shape == (30, CHANNELS, 16, 32)
    for picture, said in zip(pictures, captions, strict=True):
        if " left" in said or "left:" in said:
            row = next(r for r, one in enumerate(looks.latents) if torch.equal(one, picture[..., :16]))
            name = base.named(looks.subjects[int(looks.subject_of[row])], looks.looks[row])
            assert f"{name} on the left" in said or f"left: {name}" in said or f"{name} left" in said
