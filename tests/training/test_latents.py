"""Latents are normalised by what pixels hang on, and the normalised VAE shows the same pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from training import latents
from training.networks import SCALING_FACTOR, make_vae


def test_a_normalised_vae_encodes_to_the_wanted_widths_and_decodes_to_the_same_pictures() -> None:
    torch.manual_seed(0)
    vae = make_vae(6).eval()
    pictures = torch.rand(4, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        raw = vae.encode(pictures).latent_dist.mode()
        before = vae.decode(raw).sample
        mean, deviation = raw.mean((0, 2, 3)), raw.transpose(0, 1).flatten(1).std(1)
        wanted = latents.widths(torch.tensor([8.0, 4.0, 2.0, 1.0, 0.5, 0.25]))
        latents.normalise_vae(vae, mean, deviation / wanted)
        encoded = vae.encode(pictures).latent_dist.mode() * SCALING_FACTOR
        after = vae.decode(encoded / SCALING_FACTOR).sample
    assert encoded.mean((0, 2, 3)) == pytest.approx(torch.zeros(6), abs=1e-3)
    assert encoded.transpose(0, 1).flatten(1).std(1) == pytest.approx(wanted, rel=1e-3)
    assert torch.allclose(before, after, atol=1e-4)


def test_widths_follow_effects_and_have_unit_mean_square() -> None:
    effect = torch.tensor([0.4, 0.1, 0.025])
    assert latents.widths(effect, 0.0).tolist() == pytest.approx([1.0, 1.0, 1.0])
    found = latents.widths(effect, 0.5)
    assert float(found.square().mean()) == pytest.approx(1)
    assert (found[0] / found[1]).item() == pytest.approx(2)
    assert (found[1] / found[2]).item() == pytest.approx(2)


def test_the_effect_of_a_channel_is_how_pixels_change_without_it() -> None:
    class Sum:
        def decode(self, z: torch.Tensor) -> object:
            return type("Decoded", (), {"sample": z[:, :1] * 3 + z[:, 1:2]})

    z = torch.randn(8, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    assert latents.effects(Sum(), z) == pytest.approx(z.std((0, 2, 3), correction=0) * torch.tensor([3, 1]), rel=1e-4)


def test_pictures_are_drawn_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artwork = torch.rand(2, 4, 128, 128, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(latents, "subject_artwork", lambda _: artwork)
    monkeypatch.setattr(latents, "KINDS", {"plain": 1, "recoloured": 2, "degraded": 1})
    first, rows = latents.draw_all(1.0, tmp_path)
    kept = np.array(first)
    assert kept.shape == (8, 3, 128, 128)
    assert [row["kind"] for row in rows] == ["plain"] * 2 + ["recoloured"] * 4 + ["degraded"] * 2
    monkeypatch.setattr(latents, "draw_looks", None)
    again, same = latents.draw_all(1.0, tmp_path)
    assert np.array_equal(kept, again)
    assert json.dumps(rows) == json.dumps(same)
