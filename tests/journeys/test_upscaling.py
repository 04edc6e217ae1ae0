"""Networks from files enlarge pictures, between two passes and at the end: what is on them, what is said, what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from lora_mixer import Hires, Mixer, RenderRequest
from lora_mixer.cancel import Cancel
from lora_mixer.catalog import Library, load_models_file
from lora_mixer.errors import BrokenFileError, CancelledError, LoraMixerError, MissingFileError, RequestError
from lora_mixer.images import RenderRecord, infotext, parse_infotext, read_picture
from lora_mixer.images.request_of import request_of
from lora_mixer.ledger.digest import digest_of, job_digest
from lora_mixer.mixer import Progress, differences, rerender
from lora_mixer.models import open_model
from lora_mixer.pipeline import upscaling
from lora_mixer.pipeline.upscaling import Upscalers
from lora_mixer.promptfile.from_requests import plan_of
from lora_mixer.request import ModelSource
from lora_mixer.runs.check import JobCheck
from lora_mixer.upscalers import UpscalingNetwork, enlarge, open_upscaler
from lora_mixer.upscalers.compact import Compact, CompactShape
from lora_mixer.workers.executor import MixerOptions
from lora_mixer.workers.witness import witness_of

SMALL = RenderRequest(prompt="red heart", seed=3, steps=1, cfg=5.0, width=64, height=48, sampler="Euler")
TWICE = replace(SMALL, upscale=2, upscaler="4x_ultrasharp")
MODELS = """
default = "emoji"
[folders]
upscalers = ["upscalers"]
[models.emoji]
location = "builtin:emoji"
dtype = "float32"
upscaler = "own.safetensors"
"""


def save_network(path: Path, *, scale: int, seed: int) -> None:
    torch.manual_seed(seed)
    save_file(Compact(CompactShape(width=4, depth=1, scale=scale)).state_dict(), path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("upscaling")
    (folder / "upscalers").mkdir()
    (folder / "models.toml").write_text(MODELS)
    save_network(folder / "upscalers" / "4x-UltraSharp.safetensors", scale=4, seed=1)
    save_network(folder / "upscalers" / "RealESRGAN_x2plus.safetensors", scale=2, seed=2)
    save_network(folder / "own.safetensors", scale=2, seed=3)
    save_file({"lora_unet_x.lora_up.weight": torch.zeros(3, 2)}, folder / "upscalers" / "a_lora.safetensors")
    return folder


@pytest.fixture(scope="module")
def at(place: Path) -> Iterator[Mixer]:
    with Mixer.open(models_file=place / "models.toml") as mixer:
        yield mixer


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image)


def through(file: Path, image: Image.Image, *, height: int, width: int) -> np.ndarray:
    """A picture as a file's network enlarges it, by itself."""
    tiles = enlarge(open_upscaler(file), torch.from_numpy(pixels(image).copy())[None], height=height, width=width)
    while True:
        try:
            next(tiles)
        except StopIteration as end:
            return end.value.pictures[0].numpy()


def test_without_it_nothing_is_as_if_it_were_not_there(at: Mixer) -> None:
    plain, off = at.render(SMALL), at.render(replace(SMALL, upscale=1, upscaler="Lanczos"))
    assert np.array_equal(pixels(plain.image), pixels(off.image))
    assert off.record.settings == plain.record.settings
    assert digest_of(off.record) == digest_of(plain.record)
    assert off.record.notes == ("upscaler has no effect without upscale",)
    assert not {"upscale", "upscaler"} & {name for name in infotext(plain.record).split() if "pscale" in name.lower()}


@pytest.mark.parametrize(
    ("asked", "file", "called"),
    [
        ("4x_ultrasharp", "upscalers/4x-UltraSharp.safetensors", "4x-UltraSharp"),
        ("RealESRGAN_x2plus", "upscalers/RealESRGAN_x2plus.safetensors", "R-ESRGAN 2x+"),
        (None, "own.safetensors", "Model's own"),
    ],
)
def test_the_finished_picture_is_enlarged(at: Mixer, place: Path, asked: str | None, file: str, called: str) -> None:
    made = at.render(replace(SMALL, upscale=1.6, upscaler=asked))
    assert np.array_equal(pixels(made.image), through(place / file, at.render(SMALL).image, height=72, width=96))
    assert [(one.name, one.file) for one in made.record.upscalers] == [(called, Path(file).name)]
    assert made.record.settings.upscaler == called
    assert f"Postprocess upscale by: 1.6, Postprocess upscaler: {called}" in infotext(made.record)
    request, notes = request_of(parse_infotext(infotext(made.record)))
    assert (request.upscale, request.upscaler, notes) == (1.6, called, ())


def test_interpolation_enlarges_too(at: Mixer) -> None:
    made = at.render(replace(SMALL, upscale=2, upscaler="lanczos"))
    plain = at.render(SMALL).image.resize((128, 96), Image.Resampling.LANCZOS)
    assert np.array_equal(pixels(made.image), pixels(plain))
    assert made.record.upscalers == ()


def test_a_network_enlarges_between_the_passes_and_at_the_end(at: Mixer) -> None:
    hires = Hires(scale=1.5, steps=1, denoise=0.5, upscaler="r-esrgan 2x+")
    made = at.render(replace(TWICE, hires=hires))
    assert made.image.size == (192, 144)
    assert [one.name for one in made.record.upscalers] == ["R-ESRGAN 2x+", "4x-UltraSharp"]
    assert "Hires upscaler: R-ESRGAN 2x+" in infotext(made.record)
    lanczos = at.render(replace(TWICE, hires=replace(hires, upscaler="Lanczos")))
    assert not np.array_equal(pixels(made.image), pixels(lanczos.image))
    assert np.array_equal(pixels(rerender(at, made.record).image), pixels(made.image))


def test_a_picture_does_not_depend_on_its_neighbours(at: Mixer) -> None:
    wishes = [SMALL, replace(TWICE, seed=4), replace(TWICE, seed=5, upscale=3, upscaler="Model's own")]
    together = list(at.render_many(wishes, batch=3))
    for wish, one in zip(wishes, together, strict=True):
        alone = at.render(wish)
        assert one.image.size == alone.image.size
        assert np.abs(pixels(one.image).astype(int) - pixels(alone.image)).max() <= 1
        assert one.record.upscalers == alone.record.upscalers


def test_a_picture_is_rendered_again_from_its_file(at: Mixer, place: Path, tmp_path: Path) -> None:
    made = at.render(TWICE)
    made.save(tmp_path / "a.png")
    record = read_picture(tmp_path / "a.png").record
    assert record == made.record
    assert not differences(at, record)
    file = place / "upscalers" / "4x-UltraSharp.safetensors"
    elsewhere = tmp_path / "given.safetensors"
    shutil.copy(file, elsewhere)
    kept = file.read_bytes()
    try:
        file.rename(place / "upscalers" / "called otherwise.safetensors")  # told by its digest
        at.upscalers.refresh()
        assert np.array_equal(pixels(rerender(at, record).image), pixels(made.image))
        (place / "upscalers" / "called otherwise.safetensors").unlink()
        at.upscalers.refresh()
        assert "there is no upscaler called '4x-UltraSharp'" in " ".join(differences(at, record))
        again = rerender(at, record, files=[elsewhere])  # given by hand
        assert np.array_equal(pixels(again.image), pixels(made.image))
        save_network(file, scale=4, seed=7)  # another network of the name
        assert "the upscaler 4x-UltraSharp is another file" in " ".join(differences(at, record))
    finally:
        file.write_bytes(kept)
        at.upscalers.refresh()


def test_a_changed_file_is_another_picture(at: Mixer, place: Path) -> None:
    plan = plan_of([TWICE])
    setup, models = MixerOptions(models_file=place / "models.toml"), load_models_file(place / "models.toml")
    job = at.resolve(TWICE)
    before, seen = digest_of(at.render(TWICE).record), witness_of(plan, setup, models)
    file = place / "upscalers" / "4x-UltraSharp.safetensors"
    kept = file.read_bytes()
    try:
        save_network(file, scale=4, seed=8)
        assert not all(seal.holds for seal in job.files)  # a kept job is resolved again
        assert digest_of(at.render(TWICE).record) != before
        assert witness_of(plan, setup, models) != seen
    finally:
        file.write_bytes(kept)
    assert digest_of(at.render(TWICE).record) == before


def test_digests_of_before_stay(at: Mixer) -> None:
    settings = at.render(SMALL).record.settings
    assert job_digest(settings, {}) == job_digest(replace(settings, upscale=1.0, upscaler=None), {})
    assert job_digest(settings, {}) != job_digest(replace(settings, upscale=2.0, upscaler="Lanczos"), {})


def test_every_tile_is_told_and_the_render_stops_between_two(at: Mixer) -> None:
    wide = replace(TWICE, width=384, height=64, steps=2, upscaler="RealESRGAN_x2plus")
    told: list[Progress] = []
    at.render(wide, on_progress=told.append)
    assert [(one.step, one.share, one.steps) for one in told] == [
        (1, 0.0, 3),
        (2, 0.0, 3),
        *((2, pytest.approx(tile / 3), 3) for tile in (1, 2, 3)),
    ]
    assert [one.fraction for one in told] == sorted(one.fraction for one in told)
    assert told[-1].fraction == 1
    cancel = Cancel()
    shares: list[float] = []

    def press(progress: Progress) -> None:
        if progress.share:
            shares.append(progress.share)
            cancel.press()

    with pytest.raises(CancelledError):
        at.render(wide, on_progress=press, cancel=cancel)
    assert shares == [pytest.approx(1 / 3)]
    assert at.render(SMALL).image.size == (64, 48)


def test_smaller_tiles_are_in_the_record_and_taken_again(at: Mixer, monkeypatch: pytest.MonkeyPatch) -> None:
    enough = Compact.forward

    def short(self: Compact, pictures: torch.Tensor) -> torch.Tensor:
        if pictures.shape[-1] > 100:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return enough(self, pictures)

    wide = replace(TWICE, width=200, height=64)
    monkeypatch.setattr(Compact, "forward", short)
    made = at.render(wide)
    assert made.record.upscale_tile == 96
    monkeypatch.setattr(Compact, "forward", enough)
    assert at.render(wide).record.upscale_tile is None
    again = rerender(at, made.record)
    assert again.record.upscale_tile == 96
    assert np.array_equal(pixels(again.image), pixels(made.image))
    with pytest.raises(BrokenFileError, match="tiles of 3 pixels"):
        rerender(at, replace(made.record, upscale_tile=3))


@pytest.mark.parametrize(
    ("wish", "error", "said"),
    [
        ({"upscaler": "a_lora"}, BrokenFileError, "no upscaler that is known"),
        ({"upscaler": "4x-UltraShrap"}, MissingFileError, "Did you mean 4x-UltraSharp"),
        ({"upscaler": "R-ESRGAN 4x+"}, MissingFileError, "RealESRGAN_x4plus.pth"),
        ({"upscaler": "Latent"}, RequestError, "enlarges latents"),
        ({"upscaler": "LDSR"}, RequestError, "The nearest one is Lanczos"),
        ({"upscaler": "../../own"}, MissingFileError, "no upscaler called"),
        ({"hires": Hires(upscaler="a_lora")}, BrokenFileError, "no upscaler that is known"),
        ({"upscale": 9}, RequestError, "out of range"),
        ({"upscale": 8, "width": 4096}, RequestError, "32768 pixels long"),
    ],
)
def test_what_cannot_be_is_refused_before_the_first_step(
    at: Mixer, wish: dict[str, object], error: type[LoraMixerError], said: str
) -> None:
    with pytest.raises(error, match=said):
        at.resolve(replace(TWICE, **wish))


def test_a_plan_is_checked_before_a_model_is_opened(place: Path) -> None:
    wishes = (TWICE, replace(TWICE, upscaler="4x-UltraShrap"), replace(SMALL, hires=Hires(upscaler="Latnet")))
    failures = JobCheck(plan_of(wishes), load_models_file(place / "models.toml"), Library(())).failures()
    assert {index: failure.remedy for index, failure in failures.items()} == {
        1: "Did you mean 4x-UltraSharp?",
        2: failures[2].remedy,
    }
    assert "Latent" in failures[2].remedy


def test_a_model_brings_its_own_in_its_folder(embedded: Path, tmp_path: Path, mixer: Mixer) -> None:
    assert mixer.model.upscaler == embedded / "model" / "upscaler.safetensors"
    assert mixer.resolve(replace(SMALL, upscale=2)).settings.upscaler == "Model's own"
    folder = tmp_path / "model"
    shutil.copytree(embedded / "model", folder, copy_function=lambda a, b: Path(b).symlink_to(a))
    (folder / "upscaler.safetensors").unlink()
    opened = open_model(ModelSource(name="mine", location=str(folder)), dtype="float32")
    assert opened.upscaler is None
    assert opened.digest == mixer.model.digest  # it is no part of the weights
    (tmp_path / "models.toml").write_text(f'[models.mine]\nlocation = "{folder}"\ndtype = "float32"\n')
    with Mixer.open("mine", models_file=tmp_path / "models.toml") as without:
        with pytest.raises(RequestError, match="the model mine has no upscaler of its own"):
            without.resolve(replace(SMALL, upscale=2, upscaler="model's own"))
        assert without.resolve(replace(SMALL, upscale=2)).settings.upscaler == "Lanczos"


def test_a_default_enlarges_no_picture_that_starts_from_another(mixer: Mixer) -> None:
    start = Image.new("RGB", (64, 48))
    assert mixer.resolve(SMALL).settings.upscale == 2
    assert mixer.resolve(replace(SMALL, init=start, steps=4)).settings.upscale == 1
    assert mixer.resolve(replace(SMALL, init=start, steps=4, upscale=2)).settings.upscale == 2


def test_where_weights_rest_elsewhere_a_network_leaves_the_device(at: Mixer, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []

    def counted(path: Path, *, device: torch.device) -> UpscalingNetwork:
        opened.append(path)
        return open_upscaler(path, device=device)

    monkeypatch.setattr(upscaling, "open_upscaler", counted)
    (use,) = at.resolve(TWICE).upscalers
    resting, staying = Upscalers(torch.device("cpu"), resting=True), Upscalers(torch.device("cpu"))
    picture = torch.zeros(1, 8, 8, 3, dtype=torch.uint8)
    for upscalers, times in ((resting, 3), (staying, 1)):
        opened.clear()
        for _ in range(3):
            assert [tile.done for tile in upscalers.enlarge(use, picture, height=16, width=16)] == [1]
        assert len(opened) == times


def test_records_of_before_are_read(at: Mixer) -> None:
    record = at.render(SMALL).record
    before = record.to_json().replace('"upscalers":[],', "").replace('"upscale_tile":null,', "")
    before = before.replace('"upscale":1.0,"upscaler":null', '"width":64')
    assert "upscale" not in before
    assert RenderRecord.from_json(before) == record
