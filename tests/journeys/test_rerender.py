"""A picture holds all that is needed to render it again, and doing so gives the same pixels."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from lora_mixer import LoraUse, Mixer, RenderRequest, Strength
from lora_mixer.catalog import load_models_file
from lora_mixer.errors import BrokenFileError, ModelError
from lora_mixer.images import RenderRecord, read_picture, save_picture
from lora_mixer.mixer import differences, find_model, rerender
from lora_mixer_app.cli import build


def use(name: str, unet: float, te: float | None = None) -> LoraUse:
    return LoraUse(name=name, strength=Strength(unet, text=te))


REQUESTS = [
    RenderRequest(prompt="red heart"),
    RenderRequest(prompt="cat <lora:line_art:0.7>", negative="badpic, blurry"),
    RenderRequest(prompt="(sun:1.3) [day:night:0.5]", loras=(use("night_sky", 0.6),)),
    RenderRequest(prompt="cat AND blue background :0.5", cfg=4.0),
    RenderRequest(prompt="a [cat|dog]", loras=(use("top_hat", 1.0, 0.0), use("line_art", -0.5))),
    RenderRequest(prompt="tree", negative="<lora:night_sky:0.8> green"),
    RenderRequest(prompt="fish", cfg=1.0),
    RenderRequest(prompt=", ".join(["a long prompt with many words"] * 20), loras=(use("night_sky", 0.25),)),
]


@pytest.fixture(scope="module")
def pictures(mixer: Mixer, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    paths = []
    variants = [
        {"batch": 1, "sampler": "Euler a", "steps": 3},
        {"batch": 3, "sampler": "DPM++ 2M SDE", "schedule": "Karras", "steps": 3},
        {"batch": 4, "sampler": "DPM++ 2M", "steps": 4, "width": 96},
        {"batch": 2, "sampler": "DPM++ SDE", "steps": 2, "eta": 0.5, "cfg_rescale": 0.5, "subseed_strength": 0.3},
    ]
    for number, variant in enumerate(variants):
        for index, picture in enumerate(mixer.render_many(REQUESTS, **variant)):
            paths.append(save_picture(picture.image, picture.record, folder / f"{number}-{index}.png"))
    return paths


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_rerender_gives_the_same_pixels_whatever_the_batch_and_engine(mixer: Mixer, pictures: list[Path]) -> None:
    assert len(pictures) >= 20
    for path in pictures:
        record = read_picture(path).record
        assert record is not None
        assert not differences(mixer, record)
        assert np.array_equal(np.asarray(rerender(mixer, record).image), pixels(path)), path.name


def test_what_differs_is_said(mixer: Mixer, pictures: list[Path]) -> None:
    record = read_picture(pictures[1]).record
    assert record is not None
    other = dataclasses.replace(
        record,
        model=dataclasses.replace(record.model, sha256="0" * 64),
        adapters=tuple(dataclasses.replace(adapter, sha256="1" * 64) for adapter in record.adapters),
        versions={**record.versions, "torch": "0.1"},
    )
    said = " ".join(differences(mixer, other))
    assert "other weights" in said
    assert "line_art is another file" in said
    assert "torch" in said


def test_the_two_commands_read_and_repeat_a_picture(pictures: list[Path], tmp_path: Path) -> None:
    shown = CliRunner().invoke(build(), ["info", str(pictures[0])], catch_exceptions=False)
    assert "red heart" in shown.output
    assert shown.exit_code == 0
    target = tmp_path / "again.png"
    done = CliRunner().invoke(build(), ["rerender", str(pictures[0]), "-o", str(target)], catch_exceptions=False)
    assert done.exit_code == 0
    assert np.array_equal(pixels(target), pixels(pictures[0]))


def test_a_model_that_was_opened_by_path_is_found_again_by_its_digest(
    mixer: Mixer, embedded: Path, tmp_path: Path
) -> None:
    made = Mixer.open(str(embedded / "model"), dtype="float32").render("cat", seed=7, steps=2)
    assert made.record.model.name == "model"
    assert find_model(made.record.model, load_models_file()) == "emoji"
    assert not differences(mixer, made.record)
    assert np.array_equal(np.asarray(rerender(mixer, made.record).image), np.asarray(made.image))
    picture = save_picture(made.image, made.record, tmp_path / "a.png")
    done = CliRunner().invoke(build(), ["rerender", str(picture)], catch_exceptions=False)
    assert done.exit_code == 0
    assert np.array_equal(pixels(tmp_path / "a-again.png"), pixels(picture))


def test_a_file_beside_the_models_of_models_toml_is_found_by_its_digest(mixer: Mixer, tmp_path: Path) -> None:
    for name, content in (("known", b"1"), ("moved", b"22")):
        (tmp_path / f"{name}.safetensors").write_bytes(content)
    (tmp_path / "models.toml").write_text('[models.known]\nlocation = "known.safetensors"\n')
    record = dataclasses.replace(mixer.render("cat", steps=1).record.model, sha256=hashlib.sha256(b"22").hexdigest())
    models_file = load_models_file(tmp_path / "models.toml")
    assert find_model(record, models_file) == str(tmp_path / "moved.safetensors")
    assert find_model(dataclasses.replace(record, sha256="0" * 64), models_file) is None


def test_another_vae_is_said(mixer: Mixer) -> None:
    record = mixer.render("cat", steps=1).record
    other = dataclasses.replace(record, model=dataclasses.replace(record.model, vae_sha256="7" * 64))
    assert differences(mixer, other) == ("the VAE is the model's own, was the file 7777777777",)


@pytest.fixture
def signed(mixer: Mixer) -> RenderRecord:
    return mixer.render("cat", seed=7, steps=1).record


@pytest.mark.parametrize(
    "change",
    [
        {"threads": 10**9},
        {"threads": 0},
        {"threads": -1},
        {"batch_index": 7},
        {"batch_index": -1},
        {"device": "cuda:99999999"},
        {"device": "meta"},
    ],
)
def test_what_a_picture_asks_of_the_machine_is_bounded(
    mixer: Mixer, signed: RenderRecord, tmp_path: Path, change: dict[str, object]
) -> None:
    record = dataclasses.replace(signed, **change)
    with pytest.raises(BrokenFileError, match="the record says"):
        rerender(mixer, record)
    picture = save_picture(Image.new("RGB", (8, 8)), record, tmp_path / "stranger.png")
    done = CliRunner().invoke(build(), ["rerender", str(picture), "--anyway"])
    assert isinstance(done.exception, BrokenFileError)


def test_a_batch_beyond_bounds_or_without_its_picture_is_refused(mixer: Mixer, signed: RenderRecord) -> None:
    other = dataclasses.replace(signed.settings, seed=8)
    for companions in ((signed.settings,) * 257, (other, other)):
        with pytest.raises(BrokenFileError, match="the record says"):
            rerender(mixer, dataclasses.replace(signed, companions=companions))


@pytest.mark.parametrize("name", ["owner/name", "../../etc", "/etc", ".", "nothing"])
def test_a_model_named_by_a_picture_is_neither_fetched_nor_opened_as_a_path(
    signed: RenderRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from lora_mixer.models import hub

    asked: list[str] = []
    monkeypatch.setattr(hub, "snapshot_download", lambda location, **_: asked.append(location) or str(tmp_path))
    stranger = dataclasses.replace(signed, model=dataclasses.replace(signed.model, name=name, sha256="5" * 64))
    picture = save_picture(Image.new("RGB", (8, 8)), stranger, tmp_path / "stranger.png")
    done = CliRunner().invoke(build(), ["rerender", str(picture), "--anyway"])
    assert isinstance(done.exception, ModelError)
    assert "is not here" in str(done.exception)
    assert asked == []
    CliRunner().invoke(build(), ["rerender", str(picture), "--anyway", "--allow-download"])
    assert asked == (["owner/name"] if name == "owner/name" else [])
