"""Input pictures through runs, records, prompt files and `rerender`: told by digest, kept, missed, and found again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lora_mixer import Hires, Mixer, RenderRequest
from lora_mixer.errors import BrokenFileError, ConfigError, LoraMixerError, RequestError
from lora_mixer.images import infotext, parse_infotext, read_picture
from lora_mixer.images.record import RenderRecord
from lora_mixer.images.request_of import request_of
from lora_mixer.ledger.ledger import Ledger
from lora_mixer.mixer import inputs_beside, rerender
from lora_mixer.promptfile import read_prompt_file
from tests.journeys.test_image_to_image import disc, scene

WISH = RenderRequest("red heart", seed=3, steps=2, cfg=1.0, sampler="Euler", denoise=0.5)


def again(mixer: Mixer, path: Path, files: tuple[Path, ...] = (), *, trusted: bool = False) -> bool:
    record = read_picture(path).record
    assert record is not None
    picture = rerender(mixer, record, files=(*files, *inputs_beside(record, path, trusted=trusted)))
    return np.array_equal(np.asarray(picture.image), np.asarray(Image.open(path)))


def test_a_picture_given_as_an_object_is_kept_beside_what_was_drawn_from_it(mixer: Mixer, tmp_path: Path):
    mixer.render(replace(WISH, init=scene(), mask=disc())).save(tmp_path / "heart.png")
    assert len(list((tmp_path / "inputs").iterdir())) == 2
    assert again(mixer, tmp_path / "heart.png")
    assert b"PNG" not in RenderRecord.to_json(read_picture(tmp_path / "heart.png").record).encode()


def test_a_picture_is_found_where_it_lay_and_beside_and_by_its_digest_alone(mixer: Mixer, tmp_path: Path):
    init = tmp_path / "elsewhere" / "scene.png"
    init.parent.mkdir()
    scene().save(init)
    out = tmp_path / "out" / "heart.png"
    mixer.render(replace(WISH, init=init)).save(out)
    assert not (out.parent / "inputs").exists()
    with pytest.raises(RequestError, match="is not here"):  # the path may be a stranger's word
        again(mixer, out)
    assert again(mixer, out, trusted=True)
    init.rename(out.parent / "scene.png")
    assert again(mixer, out)
    (out.parent / "scene.png").rename(out.parent / "other name.png")
    assert again(mixer, out)
    given = (out.parent / "other name.png").rename(tmp_path / "given.png")
    with pytest.raises(RequestError, match=r"the init picture 'scene.png' is not here .*--with FILE"):
        again(mixer, out)
    assert again(mixer, out, files=(given,))


def test_another_picture_in_its_place_is_not_taken_for_it(mixer: Mixer, tmp_path: Path):
    init = tmp_path / "scene.png"
    scene().save(init)
    mixer.render(replace(WISH, init=init)).save(tmp_path / "heart.png")
    scene().rotate(90).save(init)
    with pytest.raises(RequestError, match="is not here"):
        again(mixer, tmp_path / "heart.png", trusted=True)


@pytest.mark.parametrize("path", ["/dev/zero", "/etc/hostname", "\\\\server\\share\\x.png", "/no/such", "\0"])
def test_no_path_of_a_record_is_more_than_a_guess_at_where_the_digest_lies(mixer: Mixer, tmp_path: Path, path):
    record = mixer.render(replace(WISH, init=scene())).record
    hostile = replace(record.settings, init=replace(record.settings.init, path=Path(path), data=None))
    record = RenderRecord.from_json(replace(record, settings=hostile).to_json())
    assert inputs_beside(record, tmp_path / "x.png", trusted=True) == ()
    with pytest.raises(RequestError, match="is not here"):
        rerender(mixer, record)


def test_a_record_brings_no_pixels_of_its_own(mixer: Mixer):
    text = mixer.render(replace(WISH, init=scene())).record.to_json()
    smuggled = text.replace('"init":{', '"init":{"data":"R0lGODlh",')
    assert RenderRecord.from_json(smuggled).settings.init.data is None


def test_a_record_of_half_a_start_is_damaged(mixer: Mixer):
    text = mixer.render(replace(WISH, init=scene())).record.to_json()
    with pytest.raises((BrokenFileError, RequestError)):
        RenderRecord.from_json(text.replace('"denoise":0.5', '"denoise":null'))


def test_a_run_goes_on_with_pictures_given_as_objects(mixer: Mixer, tmp_path: Path):
    wishes = [WISH, replace(WISH, denoise=None), replace(WISH, init=scene()), replace(WISH, init=scene(), mask=disc())]
    first = mixer.run(wishes, tmp_path / "run")
    assert (first.rendered, first.failures) == (4, ())
    second = mixer.run(wishes, tmp_path / "run")
    assert (second.found, second.rendered) == (4, 0)
    entries = Ledger.read(tmp_path / "run").entries
    assert len({entry.digest for entry in entries.values()}) == 3
    assert again(mixer, tmp_path / "run" / "images" / "0003.png")


def test_a_picture_changed_between_two_runs_is_noticed(mixer: Mixer, tmp_path: Path):
    init, said = tmp_path / "scene.png", list[str]()
    scene().save(init)
    wishes = [replace(WISH, init=init), replace(WISH, denoise=None)]
    mixer.run(wishes, tmp_path / "run")
    scene().rotate(90).save(init)
    result = mixer.run(wishes, tmp_path / "run", say=said.append)
    assert (result.found, result.rendered) == (1, 1)
    assert any("the picture scene.png is" in line and "1 pictures are made again" in line for line in said)


def test_a_run_that_moves_with_its_pictures_is_gone_on_with(mixer: Mixer, tmp_path: Path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    scene().save(old / "scene.png")
    mixer.run([replace(WISH, init=old / "scene.png")], old / "run")
    old.rename(new)
    assert mixer.run([replace(WISH, init=new / "scene.png")], new / "run").rendered == 0


def test_what_is_said_of_a_start_without_one_is_noted(mixer: Mixer):
    assert any("init picture" in note for note in mixer.resolve(WISH).notes)
    assert not any("init picture" in note for note in mixer.resolve(replace(WISH, init=scene())).notes)


def text_of(mixer: Mixer, **given: object) -> str:
    return infotext(mixer.render(replace(WISH, init=scene(), **given)).record)


def test_the_infotext_says_it_in_a1111s_words(mixer: Mixer):
    plain = text_of(mixer)
    assert "Denoising strength: 0.5" in plain
    assert "Mask" not in plain
    masked = text_of(
        mixer,
        mask=disc(),
        mask_mode="inpaint not masked",
        masked_content="latent noise",
        inpaint_area="only masked",
        inpaint_padding=32,
    )
    assert (
        "Mask blur: 4, Mask mode: Inpaint not masked, Masked content: latent noise, Inpaint area: Only masked, "
        "Masked area padding: 32" in masked
    )


def test_the_infotext_is_read_back_but_for_the_picture_it_does_not_hold(mixer: Mixer):
    request, notes = request_of(parse_infotext(text_of(mixer, mask=disc(), masked_content="fill")))
    assert (request.denoise, request.mask_blur, request.masked_content) == (0.5, 4, "fill")
    assert request.init is None
    assert any("give it as init" in note for note in notes)


@pytest.mark.parametrize(("strength", "steps", "denoise"), [("0.75", 20, 0.8), ("0.5", 7, 0.5715), ("1", 10, 1.0)])
def test_a1111_takes_a_step_more_which_its_strength_is_read_as(strength, steps, denoise):
    text = f"x\nSteps: {steps}, Sampler: Euler, Seed: 1, Size: 64x64, Denoising strength: {strength}"
    request, _ = request_of(parse_infotext(text))
    assert request.denoise == denoise
    assert int(steps * request.denoise) == int(min(float(strength), 0.999) * steps) + 1


def test_both_shares_stand_in_the_infotext_where_a_second_pass_follows(mixer: Mixer):
    text = text_of(mixer, hires=Hires(1.5, steps=1, denoise=0.4))
    assert "Denoising strength: 0.5" in text
    assert "Hires strength: 0.4" in text


def test_a_prompt_file_names_pictures_from_where_it_lies(mixer: Mixer, tmp_path: Path):
    folder = tmp_path / "here"
    folder.mkdir()
    scene().save(folder / "scene.png")
    disc().save(folder / "disc.png")
    (folder / "jobs.toml").write_text(
        '[defaults]\ninit = "scene.png"\ndenoise = 0.5\nsteps = 2\n'
        '[[jobs]]\nprompt = "cat"\n[[jobs]]\nprompt = "sun"\nmask = "disc.png"\nmask_blur = 0\nmasked_content = "fill"\n'
    )
    (folder / "jobs.txt").write_text("cat --init scene.png --mask disc.png --denoise 0.5 --steps 2\n")
    for name in ("jobs.toml", "jobs.txt"):
        jobs = read_prompt_file(folder / name, strict=True).jobs
        assert {job.request.init.path for job in jobs} == {folder / "scene.png"}
        settings = mixer.resolve(jobs[-1].request).settings
        assert (settings.mask.path, settings.denoise) == (folder / "disc.png", 0.5)


@pytest.mark.parametrize(
    "line", ["denoise = 0", "denoise = 1.5", 'resize_mode = "squeeze"', "mask_blur = -1", "init = 3", 'maske = "x.png"']
)
def test_what_a_prompt_file_may_not_say_is_told_with_its_line(tmp_path: Path, line):
    (tmp_path / "jobs.toml").write_text(f'[[jobs]]\nprompt = "cat"\n{line}\n')
    with pytest.raises(ConfigError) as raised:
        read_prompt_file(tmp_path / "jobs.toml", strict=True)
    assert "jobs.toml:3" in str(raised.value)


def test_a_picture_that_is_not_there_is_told_before_the_run(tmp_path: Path):
    from lora_mixer.catalog import Library, load_models_file
    from lora_mixer.runs.check import JobCheck

    (tmp_path / "jobs.toml").write_text('[[jobs]]\nprompt = "cat"\ninit = "gone.png"\n')
    plan = read_prompt_file(tmp_path / "jobs.toml")
    failures = JobCheck(plan, load_models_file(None), Library(())).failures()
    assert isinstance(failures[0].raised(), LoraMixerError)
    assert (failures[0].where or "").startswith(f"{tmp_path}/jobs.toml:3:9")


def test_no_path_of_a_record_is_looked_at_unless_somebody_says_it_is_theirs(mixer: Mixer, tmp_path: Path, monkeypatch):
    init = tmp_path / "elsewhere" / "scene.png"
    init.parent.mkdir()
    scene().save(init)
    picture = mixer.render(replace(WISH, init=init))
    picture.save(tmp_path / "heart.png")
    init.rename(tmp_path / "scene.png")  # beside the picture, under its name
    looked: list[Path] = []
    is_file = Path.is_file

    def seen(path: Path) -> bool:
        looked.append(path)
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", seen)
    assert inputs_beside(picture.record, tmp_path / "heart.png") == (tmp_path / "scene.png",)
    assert {path.parent for path in looked} <= {tmp_path, tmp_path / "inputs"}
