"""Noise as an NVIDIA card draws it, against published numbers; and as a setting that reaches every door."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from lora_mixer.errors import RequestError
from lora_mixer.images import RenderRecord, infotext
from lora_mixer.ledger.digest import job_digest, request_digest
from lora_mixer.mixer.completing import settings_of
from lora_mixer.promptfile import read_options
from lora_mixer.request import RenderRequest
from lora_mixer.sampling import NoiseSource
from lora_mixer.sampling.noise import spherical
from lora_mixer.sampling.philox import PhiloxGenerator, philox


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_known_answers_of_its_authors(counter, key, expected):
    """Random123's `kat_vectors` for philox4x32-10."""
    words = philox([np.array([word], dtype=np.uint64) for word in counter], key)
    assert tuple(int(word[0]) for word in words) == expected


def test_the_noise_of_seed_0_is_the_one_a1111_writes_down():
    """The example at the head of A1111's `rng_philox.py`: what `torch.randn(3, 4, device="cuda")` gives."""
    expected = torch.tensor(
        [
            [-0.92466259, -0.42534415, -2.6438457, 0.14518388],
            [-0.12086647, -0.57972564, -0.62285122, -0.32838709],
            [-1.07454231, -0.36314407, -1.67105067, 2.26550497],
        ]
    )
    torch.testing.assert_close(PhiloxGenerator(0).normal((3, 4)), expected, rtol=0, atol=1e-6)


def test_every_draw_is_another_and_as_normal_as_can_be_told():
    stream = PhiloxGenerator(2**63 + 5)
    first, second = stream.normal((4, 64, 64)), stream.normal((4, 64, 64))
    assert not torch.equal(first, second)
    assert torch.equal(PhiloxGenerator(2**63 + 5).normal((4, 64, 64)), first)
    assert not torch.equal(PhiloxGenerator(5).normal((4, 64, 64)), first)  # the high word counts
    for noise in (first, second):
        assert noise.mean().abs() < 0.03
        assert noise.std() == pytest.approx(1, abs=0.02)


def test_a_variation_turns_columns_with_nv_and_the_whole_latent_with_cpu():
    shape = (4, 8, 6)
    one, other = (NoiseSource(seed, rng="nv").start(shape) for seed in (1, 2))
    varied = NoiseSource(1, 2, 0.3, rng="nv").start(shape)
    column = spherical(one[2, :, 4], other[2, :, 4], 0.3)
    torch.testing.assert_close(varied[2, :, 4], column, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(varied, spherical(one, other, 0.3), atol=1e-3)
    plain = NoiseSource(1, 2, 0.3).start(shape)
    torch.testing.assert_close(plain, spherical(NoiseSource(1).start(shape), NoiseSource(2).start(shape), 0.3))
    torch.testing.assert_close(NoiseSource(1, 2, 1.0, rng="nv").start(shape), other)


def test_the_setting_reaches_settings_by_any_of_its_names_and_is_refused_by_others():
    def settings(rng: str | None):
        asked = RenderRequest(prompt="cat", seed=1, rng=rng)
        return settings_of(asked, model="emoji", native_size=(64, 64), emphasis="original")

    assert [settings(rng).rng for rng in (None, "cpu", "CPU", "nv", "NV", "GPU")] == ["cpu"] * 3 + ["nv"] * 3
    assert settings("GPU").request().rng == "nv"
    with pytest.raises(RequestError, match="random number generator"):
        settings("dice")
    assert read_options(rng="GPU")["rng"] == "GPU"
    with pytest.raises(RequestError, match=r"--rng: .*random number generator"):
        read_options(rng="dice")


def test_a_ledger_from_before_the_setting_knows_its_jobs():
    asked = RenderRequest(prompt="cat", seed=1)
    plain = settings_of(asked, model="emoji", native_size=(64, 64), emphasis="original")
    assert job_digest(plain, {}) == ("7cb73711b85b77b27b127f55cddcb1371d656482e1527960a340e1f14a6d9649")
    assert job_digest(replace(plain, rng="nv"), {}) != job_digest(plain, {})
    assert request_digest(asked) == "41828dfa8a678d81bd795ce8528f75310bfbf663707b3c493a972393c08b501a"
    assert request_digest(asked) != request_digest(replace(asked, rng="nv"))


def test_a_picture_tells_its_noise_and_is_rendered_again_with_it(mixer):
    pictures = {rng: mixer.render("red heart", seed=3, steps=2, sampler="Euler a", rng=rng) for rng in ("cpu", "gpu")}
    assert pictures["cpu"].image.tobytes() != pictures["gpu"].image.tobytes()
    record = RenderRecord.from_json(pictures["gpu"].record.to_json())
    assert record.settings.rng == "nv"
    assert "RNG: NV" in infotext(record)
    assert "RNG: CPU" in infotext(pictures["cpu"].record)
    again = mixer.render_many([record.settings.request()])
    assert next(iter(again)).image.tobytes() == pictures["gpu"].image.tobytes()
    old = json.loads(pictures["cpu"].record.to_json())
    del old["settings"]["rng"]
    assert RenderRecord.from_json(json.dumps(old)).settings.rng == "cpu"
