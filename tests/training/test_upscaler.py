"""The embedded upscaler learns from pieces of the same places, and its file is one that the product opens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

from lora_mixer.upscalers.compact import compact_shape
from training import styles, upscaler
from training.loop import Budget


def pairs(count: int = 6) -> upscaler.Pairs:
    noise = torch.rand(count, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    large = F.interpolate(noise, size=256, mode="bicubic", align_corners=False).clamp(0, 1)
    small = F.interpolate(large, size=128, mode="area")
    return upscaler.Pairs(small=(small * 255).byte().numpy(), large=(large * 255).byte().numpy())


def test_pieces_of_a_pair_show_the_same_place() -> None:
    small, large = pairs().batch(8, 32, torch.Generator().manual_seed(1))
    assert small.shape == (8, 3, 32, 32)
    assert large.shape == (8, 3, 64, 64)
    assert F.interpolate(large, size=32, mode="area") == pytest.approx(small, abs=0.02)


def test_a_new_network_enlarges_by_nearest_pixels() -> None:
    small, _ = pairs().batch(2, 16, torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(upscaler.new_network()(small), F.interpolate(small, scale_factor=2, mode="nearest"))


def test_training_beats_the_start_and_the_file_is_a_compact_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upscaler, "SHAPE", upscaler.CompactShape(width=8, depth=1, scale=2))
    monkeypatch.setattr(upscaler, "CROP", 24)
    monkeypatch.setattr(upscaler, "BATCH", 4)
    known = pairs()
    network = upscaler.train_upscaler(known, Budget(images=1200), tmp_path)
    small, large = known.batch(8, 48, torch.Generator().manual_seed(2))
    with torch.no_grad():
        before, after = (float((one(small) - large).square().mean()) for one in (upscaler.new_network(), network.cpu()))
    assert after < 0.8 * before
    save_file(
        {key: value.half().contiguous() for key, value in network.state_dict().items()}, tmp_path / "it.safetensors"
    )
    assert compact_shape(load_file(tmp_path / "it.safetensors")) == upscaler.SHAPE


def test_looks_at_twice_the_size_are_the_same_looks() -> None:
    y, x = np.mgrid[-1:1:256j, -1:1:256j]
    disc = torch.from_numpy((x**2 + y**2 < 0.5).astype(np.float32))
    large = torch.stack([disc * 0.9, disc * 0.3, disc * 0.1, disc])[None]
    small = F.interpolate(large, size=128, mode="area")
    for name, style in styles.PROCEDURAL.items():
        difference = (F.interpolate(style(large), size=128, mode="area") - style(small)).abs().mean()
        assert float(difference) < 0.02, name
