"""Regions in prompt files: read, refused with their line, and written so that reading gives them back."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from lora_mixer import LoraUse, Rectangle, Region, RenderRequest, Strength
from lora_mixer.errors import ConfigError
from lora_mixer.images.drawn_masks import drawn_mask
from lora_mixer.promptfile import read_prompt_file
from lora_mixer.promptfile.plan import PromptEntry
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.promptfile.writing import prompt_file_text
from lora_mixer.regions import regions_as_json, regions_of

DRAWN = drawn_mask(Image.new("L", (2, 2), 255))
TEXT = f"""
[defaults]
regions = [{{ prompt = "sky", mask = [0, 0, 1, 0.3], weight = 0.5 }}]

[[jobs]]
prompt = "two pets"

[[jobs.regions]]
prompt = "a cat"
mask = [0, 0, 0.5, 1]
loras = {{ line_art = 0.8 }}

[[jobs.regions]]
prompt = "a dog"
mask = "masks/dog.png"
negative = "cat"
feather = 0.1

[[jobs.regions]]
mask = "{DRAWN.text}"
words = "pets"
[[jobs.regions.loras]]
name = "sepia"
curve = [[0, 1], [1, 0]]

[[jobs]]
prompt = "one pet"
"""


def test_a_job_has_its_regions_behind_those_of_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "pets.toml").write_text(TEXT)
    first, second = (job.request for job in read_prompt_file(tmp_path / "pets.toml", strict=True).jobs)
    sky, cat, dog, drawn = first.regions
    assert second.regions == (sky,)
    assert sky == Region("sky", mask=(0, 0, 1, 0.3), weight=0.5)
    assert cat == Region("a cat", mask=Rectangle(left=0, top=0, right=0.5, bottom=1), loras={"line_art": 0.8})
    assert dog == Region("a dog", mask=tmp_path / "masks" / "dog.png", negative="cat", feather=0.1)
    assert (drawn.mask, drawn.words, drawn.loras[0].name) == (DRAWN, "pets", "sepia")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('promt = "x"', "unknown key promt; the nearest is prompt"),
        ("weight = 1.5", "weight"),
        ('mask = "data:image/png;base64,AAAA"', "no PNG"),
        ("mask = [0.5, 0, 0.2, 1]", "no part of the picture"),
        ("mask = [0, 0, 1]", "mask"),
    ],
)
def test_a_bad_region_is_told_with_its_line(line: str, said: str) -> None:
    mask = "" if line.startswith("mask") else "mask = [0, 0, 1, 1]\n"
    text = f'[[jobs]]\nprompt = "cat"\n\n[[jobs.regions]]\n{mask}{line}\n\n[[jobs]]\nprompt = "sun"\n'
    plan = read_prompt_text(text, Path("pets.toml"))
    assert [job.request.prompt for job in plan.jobs] == ["sun"]
    (problem,) = plan.problems[:1]
    assert said in problem.what
    assert 4 <= problem.line <= 6


DIVIDED = """
[defaults]
grammar = "a1111"

[[jobs]]
prompt = "fine <lora:ink:1> ADDCOMM a BREAK b"
negative = "x BREAK y"
divide = { ratios = "1,3", mode = "rows", base = 0.5, latent = false }

[[jobs]]
prompt = "a ADDCOL b <lora:ink:1>"
divide = "1,3"
"""


def test_a_prompt_is_divided_by_ratios() -> None:
    first, second = (job.request for job in read_prompt_text(DIVIDED, Path("pets.toml"), strict=True).jobs)
    assert first.prompt == "fine <lora:ink:1>, a"
    assert first.regions == (Region("fine, b", mask=(0, 0, 1, 1), weight=0.5, negative="y"),)
    assert (second.prompt, second.grammar) == ("", "a1111")
    assert second.regions == (Region("a", mask=(0, 0, 0.25, 1)), Region("b <lora:ink:1>", mask=(0.25, 0, 1, 1)))


def test_every_form_of_file_divides_and_what_cannot_be_divided_is_told_with_its_line() -> None:
    expected = (Region("a", mask=(0, 0, 0.25, 1)), Region("b", mask=(0.25, 0, 1, 1)))
    for name, text in (
        ("pets.txt", "a BREAK b --divide 1,3"),
        ("pets.csv", 'prompt,divide\na BREAK b,"1,3"'),
        ("pets.jsonl", '{"prompt": "a BREAK b", "divide": {"ratios": "1,3"}}'),
    ):
        (job,) = read_prompt_text(text, Path(name), strict=True).jobs
        assert job.request.regions == expected
    for text, said, line in (
        ('[[jobs]]\nprompt = "a BREAK b"\ndivide = "1,-3"', "no size", 3),
        ('[[jobs]]\nprompt = "a BREAK b"\ndivide = { ratio = "1" }', "the nearest is ratios", 3),
        ('[axes.columns]\nprompt = ["a", "b"]\n[[jobs]]\ndivide = "1"', "an axis varies the prompt", 4),
    ):
        with pytest.raises(ConfigError, match=said) as error:
            read_prompt_text(text, Path("pets.toml"))
        assert f"pets.toml:{line}:" in str(error.value)


def test_what_is_written_is_read_again() -> None:
    strong = LoraUse("sepia", Strength(0.5, blocks={"MID": 0.2}, mask=DRAWN))
    regions = (
        Region("a cat", mask=(0, 0, 0.5, 1), negative="", loras={"line_art": 0.8}, weight=0.5),
        Region("", mask="auto", words="cat", loras=[strong]),
        Region('"quoted"', mask=DRAWN, feather=0.25),
    )
    request = RenderRequest("pets", seed=7, regions=regions)
    text = prompt_file_text([PromptEntry(name="", request=request, line=1)])
    (job,) = read_prompt_text(text, Path("pets.toml"), strict=True).jobs
    assert job.request == request
    assert regions_of(regions_as_json(regions)) == regions
