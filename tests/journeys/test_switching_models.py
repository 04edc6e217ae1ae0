"""Several models in one mixer: switched without a restart, and given back when another takes their place."""

from __future__ import annotations

import gc
import json
import shutil
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from lora_mixer import Mixer, RenderedImage, RenderRequest
from lora_mixer.errors import ModelError, RequestError
from lora_mixer.images import read_picture
from lora_mixer.mixer import session
from lora_mixer.models import Model, open_model
from lora_mixer.request import ModelSource
from lora_mixer_app.cli import build

STEPS = 2


@pytest.fixture(scope="module")
def toml(embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models.toml with the embedded model, and one beside it whose UNet answers otherwise."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(embedded / "model", folder / "pale")
    weights = folder / "pale" / "unet" / "diffusion_pytorch_model.safetensors"
    save_file({key: value * 0.9 for key, value in load_file(weights).items()}, weights)
    text = 'default = "emoji"\n[models.emoji]\nlocation = "builtin:emoji"\n[models.pale]\nlocation = "pale"\n'
    (folder / "models.toml").write_text(text + "[models.pale.defaults]\nsteps = 1\n")
    return folder / "models.toml"


def opened(toml: Path, **options: object) -> Mixer:
    return Mixer.open(models_file=toml, dtype="float32", **options)


def pixels(picture: RenderedImage) -> np.ndarray:
    return np.asarray(picture.image)


def test_a_request_may_name_another_model_and_gets_the_picture_of_a_mixer_opened_with_it(toml: Path) -> None:
    mixer = opened(toml)
    wish = RenderRequest(prompt="cat <lora:line_art:0.7>", seed=7, steps=STEPS)
    before = mixer.model.checksum()
    first, other = mixer.render(wish), mixer.render(wish, model="pale")
    assert other.record.settings.model == other.record.model.name == "pale"
    assert not np.array_equal(pixels(first), pixels(other))
    assert np.array_equal(pixels(other), pixels(opened(toml, model="pale").render(wish)))
    assert np.array_equal(pixels(first), pixels(mixer.render(wish)))
    assert mixer.model.checksum() == before


def test_models_that_take_turns_are_opened_once_and_the_pictures_come_in_order(
    toml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mixer, opens = opened(toml, max_models=2), []

    def noted(source: ModelSource, **options: Any) -> Model:
        opens.append(source.name)
        return open_model(source, **options)

    monkeypatch.setattr(session, "open_model", noted)
    wishes = [RenderRequest(prompt="cat", seed=n, steps=1, model=("emoji", "pale")[n % 2]) for n in range(6)]
    pictures = list(mixer.render_many(wishes, batch=3))
    assert [(p.record.settings.seed, p.record.settings.model) for p in pictures] == [(w.seed, w.model) for w in wishes]
    assert {p.record.batch_size for p in pictures} == {3}
    assert opens == ["pale"]
    assert len(mixer.cache.sessions) == 2


def test_the_pictures_of_one_model_come_as_done_before_those_of_the_next(toml: Path) -> None:
    wishes = [RenderRequest(prompt="cat", seed=n, steps=1, model=("pale", "emoji")[n % 2]) for n in range(4)]
    assert [index for index, _ in opened(toml).render_as_done(wishes, batch=1)] == [0, 2, 1, 3]


@pytest.mark.parametrize("engine", ["merged", "side"])
def test_a_model_that_gave_way_is_gone_from_memory_with_all_that_stood_on_it(toml: Path, engine: str) -> None:
    mixer = opened(toml, engine=engine)
    mixer.render("cat <lora:line_art:0.7> <lora:night_sky:0.5>", seed=7, steps=1)
    kept = [
        weakref.ref(mixer.model),
        weakref.ref(mixer.model.denoiser.network.conv_in.weight),
        weakref.ref(mixer.loaded.merged),
    ]
    gc.disable()  # what is gone must be gone because it was given back
    try:
        mixer.use("pale")
        assert [one() for one in kept] == [None, None, None]
    finally:
        gc.enable()
    assert [source.name for source in mixer.cache.sessions] == ["pale"]


def test_what_is_current_stays_current_when_another_cannot_be_opened(toml: Path) -> None:
    mixer = opened(toml)
    with pytest.raises(ModelError, match="pale"):
        mixer.use("pail")
    with pytest.raises(ModelError):
        mixer.use("owner/not-in-the-cache")
    assert mixer.model_name == "emoji"
    assert mixer.render("cat", steps=1).record.model.name == "emoji"


def test_the_current_model_renders_what_names_none_with_its_own_defaults(toml: Path) -> None:
    mixer = opened(toml)
    mixer.use("pale")
    assert (mixer.model_name, mixer.resolve("cat").settings.steps) == ("pale", 1)
    assert mixer.resolve("cat", model="emoji").settings.steps == 20


def test_strangers_name_models_of_the_file_only(toml: Path) -> None:
    mixer = opened(toml, paths=False)
    for location in (toml.parent / "pale", "owner/name"):
        with pytest.raises(RequestError, match="emoji, pale"):
            mixer.render("cat", steps=1, model=str(location))
    assert mixer.render("cat", steps=1, model="pale").record.model.name == "pale"


def test_a_model_that_was_opened_by_path_is_found_again_by_its_name_even_among_strangers(toml: Path) -> None:
    path = shutil.copytree(toml.parent / "pale", toml.parent / "elsewhere", dirs_exist_ok=True)
    mixer = opened(toml, model=str(path), paths=False)
    assert mixer.model_name == "elsewhere"
    mixer.use("emoji")
    assert mixer.render("cat", steps=1, model="elsewhere").record.model.name == "elsewhere"
    mixer.use("elsewhere")
    assert mixer.model_name == "elsewhere"


def test_no_model_in_memory_is_not_a_number_of_models(toml: Path) -> None:
    with pytest.raises(RequestError, match="out of range"):
        opened(toml, max_models=0)


def test_a_prompt_file_may_have_models_on_an_axis(toml: Path, tmp_path: Path) -> None:
    (tmp_path / "two.toml").write_text(
        '[defaults]\nprompt = "cat"\nseed = 7\nsteps = 1\n[axes]\ncolumns = { model = ["pale", "emoji"] }\n'
    )
    arguments = ["render", str(tmp_path / "two.toml"), "--models", str(toml), "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(build(), arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
    names = [read_picture(tmp_path / "out" / line["file"]).record.model.name for line in lines]
    assert names == ["pale", "emoji"]


def test_a_digest_that_was_made_once_is_not_made_again(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = opened(toml).model.digest
    monkeypatch.setattr("lora_mixer.catalog.facts.digest_file", lambda path: pytest.fail(f"hashed {path} again"))
    assert opened(toml).model.digest == digest
