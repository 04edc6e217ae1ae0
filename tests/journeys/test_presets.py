"""Few-step presets: what they set, what wins over them, and what they say of a mix that does not suit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lora_mixer import Mixer, RenderRequest
from lora_mixer.choices import PRESETS, find_preset, find_sampler
from lora_mixer.errors import MissingFileError, RequestError, UnknownAdapterError
from lora_mixer.mixer.presets import notes_on
from lora_mixer.promptfile import Overrides, read_options, read_prompt_file
from lora_mixer_app.cli import build

DOCS = Path(__file__).parents[2] / "docs" / "samplers.md"


@pytest.mark.parametrize("preset", PRESETS, ids=lambda row: row.name)
def test_a_preset_sets_sampler_schedule_steps_and_cfg(mixer: Mixer, preset):
    settings = mixer.resolve("heart", preset=preset.name).settings
    assert (settings.sampler, settings.schedule) == (preset.sampler, preset.schedule)
    assert (settings.steps, settings.cfg, settings.eta) == (preset.steps, preset.cfg, preset.eta)
    assert find_sampler(settings.sampler, settings.schedule, settings.eta)
    assert f"| {preset.name} |" in DOCS.read_text(encoding="utf-8")


def test_what_is_said_wins_over_the_preset(mixer: Mixer):
    settings = mixer.resolve("heart", preset="tcd", steps=3, sampler="Euler a").settings
    assert (settings.sampler, settings.steps, settings.cfg, settings.eta) == ("Euler a", 3, 1.0, None)


def test_a_models_own_preset_is_its_default_and_gives_way_to_the_request(tmp_path: Path):
    (tmp_path / "models.toml").write_text(
        '[models.turbo]\nlocation = "builtin:emoji"\n[models.turbo.defaults]\npreset = "turbo"\ncfg = 2.0\n'
        "[defaults]\nsteps = 30\n"
    )
    mixer = Mixer.open(models_file=tmp_path / "models.toml")
    settings = mixer.resolve("heart").settings
    assert (settings.sampler, settings.steps, settings.cfg) == ("Euler a", 4, 2.0)
    asked = mixer.resolve("heart", preset="lcm").settings
    assert (asked.sampler, asked.steps, asked.cfg) == ("LCM", 8, 1.5)


def test_a_mix_without_the_lora_it_wants_is_told_in_the_record(mixer: Mixer):
    notes = mixer.resolve("heart <lora:line_art:1>", preset="lcm").notes
    assert notes[0] == "preset lcm: LCM, 8 steps, cfg 1.5"
    assert "wants an LCM LoRA" in notes[1]


@pytest.mark.parametrize(
    ("preset", "name"),
    [
        ("lcm", "lcm-lora-sdv1-5"),
        ("lcm", "pytorch_lora_weights_LCM"),
        ("lightning", "sdxl_lightning_4step_lora"),
        ("hyper", "Hyper-SD15-8steps-lora"),
        ("turbo", "sd_xl_turbo_lora_v1"),
        ("tcd", "TCD-SDXL-LoRA"),
        ("dmd2", "dmd2_sdxl_4step_lora_fp16"),
    ],
)
def test_the_loras_people_have_are_known_by_their_names(preset, name):
    assert find_preset(preset).suits([name])
    assert not find_preset(preset).suits(["detail_tweaker"])


def test_an_unknown_preset_gets_the_nearest():
    with pytest.raises(RequestError, match="Did you mean lightning"):
        find_preset("lightening")


def test_a_preset_on_the_command_line_wins_over_the_file(tmp_path: Path):
    (tmp_path / "p.toml").write_text('[defaults]\nsteps = 30\nsampler = "DPM++ 2M"\n[[jobs]]\nprompt = "heart"\n')
    plan = read_prompt_file(tmp_path / "p.toml")
    request = Overrides(fields=read_options(preset="lcm", cfg=2.0)).over(plan).jobs[0].request
    assert (request.preset, request.steps, request.sampler, request.cfg) == ("lcm", None, None, 2.0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sampler", "Eulr"], "Did you mean Euler"),
        (["--schedule", "Karas"], "Did you mean Karras"),
        (["--preset", "lmc"], "Did you mean lcm"),
        (["--steps", "0"], "--steps"),
        (["--cfg", "-1"], "--cfg"),
        (["--size", "100x100"], "multiple of 8"),
        (["--subseed-strength", "2"], "--subseed-strength"),
        (["--sampler", "UniPC", "--eta", "0.5"], "takes no eta"),
        (["--sampler", "DDIM", "--schedule", "diffusers Karras"], "does not take the schedule"),
        (["--hires", "2; upscaler=R-ESRGAN 4x+"], "Lanczos"),
        (["--hires", "2; denoise=7"], "denoise"),
        (["--lora", "linart=1"], "line_art"),
        (["--lora", "line_art=inf"], "inf is not a strength"),
        (["--hires", "2; stepps=7"], "the nearest is steps"),
    ],
)
def test_options_are_checked_before_a_model_is_opened(tmp_path: Path, monkeypatch, arguments, said):
    def opened(*_: object, **__: object) -> None:
        raise AssertionError("the model was opened")

    monkeypatch.setattr(Mixer, "open", opened)
    (tmp_path / "p.txt").write_text("heart\n")
    result = CliRunner().invoke(build(), ["render", str(tmp_path / "p.txt"), "-o", str(tmp_path / "out"), *arguments])
    assert isinstance(result.exception, RequestError | UnknownAdapterError | MissingFileError)
    assert said in (result.output + str(result.exception))


def test_hires_options_are_laid_over_the_files(tmp_path: Path):
    (tmp_path / "p.toml").write_text(
        "defaults.hires = { scale = 1.5, denoise = 0.5 }\n"
        '[[jobs]]\nprompt = "heart"\nhires = { steps = 3, prompt = "blue heart" }\n'
        "[axes]\ncolumns = { hires_denoise = [0.3, 0.6] }\n"
    )
    plan = read_prompt_file(tmp_path / "p.toml", strict=True)
    hires = [job.request.hires for job in Overrides(fields=read_options(hires="96x128; steps=5")).over(plan).jobs]
    assert [(h.width, h.height, h.scale, h.steps, h.denoise, h.prompt) for h in hires if h] == [
        (96, 128, None, 5, denoise, "blue heart") for denoise in (0.3, 0.6)
    ]


def test_lines_and_rows_take_hires_and_presets_too(tmp_path: Path):
    (tmp_path / "p.txt").write_text("heart --hires 1.5;denoise=0.4 --preset lcm\n")
    (tmp_path / "p.csv").write_text("prompt,hires,preset\nheart,1.5;denoise=0.4,lcm\n")
    for name in ("p.txt", "p.csv"):
        (job,) = read_prompt_file(tmp_path / name, strict=True).jobs
        assert job.request.hires is not None
        assert (job.request.hires.scale, job.request.hires.denoise, job.request.preset) == (1.5, 0.4, "lcm")


def test_automatic_is_what_the_settings_say_and_the_record_says_what_it_came_to(mixer: Mixer):
    picture = mixer.render(RenderRequest(prompt="heart", steps=1, width=64, height=64, schedule="Automatic"))
    assert picture.record.settings.schedule == "Automatic"
    assert picture.record.schedule == "Trailing"
    assert mixer.resolve(RenderRequest(prompt="x", sampler="Euler", schedule="Karras")).settings.schedule == "Karras"


def test_a_lora_is_known_by_the_name_its_trainer_gave_it(mixer: Mixer):
    job = mixer.resolve("heart <lora:line_art:1>")
    renamed = replace(job, uses=tuple(replace(use, alias="my_lcm_lora") for use in job.uses))
    assert len(list(notes_on("lcm", job, "emoji"))) == 2
    assert len(list(notes_on("lcm", renamed, "emoji"))) == 1
