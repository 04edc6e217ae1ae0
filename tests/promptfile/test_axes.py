"""Axes multiply entries into a labelled sheet, row by row."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_mixer.errors import ConfigError
from lora_mixer.promptfile.axes import lora_axis
from lora_mixer.promptfile.reading import read_prompt_file, read_prompt_text

TWO_AXES = """
[defaults]
seed = 3
[axes]
columns = { lora = "a", strengths = "0..1:3" }
rows = { lora = "b", strengths = [0, 1] }
"""


def _read(text: str):
    return read_prompt_text(text, Path("a.toml"))


def test_two_axes_make_a_sheet_in_row_major_order():
    plan = _read(TWO_AXES + '[[jobs]]\nprompt = "p"')
    assert [(job.row, job.column) for job in plan.jobs] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert plan.sheet.columns == ("a 0", "a 0.5", "a 1")
    assert plan.sheet.rows == ("b 0", "b 1")
    assert [(u.name, u.strength.denoiser) for u in plan.jobs[4].request.loras] == [("b", 1.0), ("a", 0.5)]
    assert plan.jobs[4].name == "p, b 1, a 0.5"


def test_two_entries_on_two_axes_are_two_blocks_of_rows():
    plan = _read(TWO_AXES + '[[jobs]]\nprompt = "p"\n[[jobs]]\nprompt = "q"\nname = "second"')
    assert plan.sheet.rows == ("p, b 0", "p, b 1", "second, b 0", "second, b 1")
    assert len(plan.jobs) == 12


def test_one_axis_leaves_the_other_side_to_the_entries():
    jobs = '[[jobs]]\nprompt = "p"\n[[jobs]]\nprompt = "q"\n'
    by_columns = _read('[axes]\ncolumns = { cfg = "2,4" }\n' + jobs)
    assert (by_columns.sheet.columns, by_columns.sheet.rows) == (("cfg 2", "cfg 4"), ("p", "q"))
    by_rows = _read('[axes]\nrows = { cfg = "2,4" }\n' + jobs)
    assert (by_rows.sheet.columns, by_rows.sheet.rows) == (("p", "q"), ("cfg 2", "cfg 4"))
    assert [job.request.cfg for job in by_rows.jobs] == [2.0, 2.0, 4.0, 4.0]


def test_no_axes_make_a_near_square_with_captions():
    plan = _read("".join(f'[[jobs]]\nprompt = "{n}"\n' for n in range(5)))
    assert plan.sheet.captions
    assert [(job.row, job.column) for job in plan.jobs] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]


def test_a_lora_axis_sets_the_strength_whatever_the_job_says():
    plan = _read(
        '[axes]\ncolumns = { lora = "a", strengths = [0, 2] }\n[[jobs]]\nprompt = "p"\nloras = { a = 0.7, c = 1 }'
    )
    mixes = [{u.name: u.strength.denoiser for u in job.request.loras} for job in plan.jobs]
    assert mixes == [{"c": 1.0, "a": 0.0}, {"c": 1.0, "a": 2.0}]


def test_a_lora_axis_without_zero_begins_without_the_lora_unless_told_not_to():
    assert [point.label for point in lora_axis("a", [0.5]).points] == ["no a", "a 0.5"]
    assert [point.label for point in lora_axis("a", [0, 0.5]).points] == ["a 0", "a 0.5"]
    assert [point.label for point in lora_axis("a", [0.5], without=False).points] == ["a 0.5"]


def test_loras_can_be_compared_at_one_strength():
    plan = _read('[axes]\ncolumns = { loras = ["a", "b"], strength = 0.8 }\n[[jobs]]\nprompt = "p"')
    assert plan.sheet.columns == ("no LoRA", "a 0.8", "b 0.8")
    assert [[u.name for u in job.request.loras] for job in plan.jobs] == [[], ["a"], ["b"]]


def test_words_are_put_in_the_place_of_the_first():
    plan = _read('[axes]\ncolumns = { replace = ["cat", "dog"] }\n[[jobs]]\nprompt = "cat, cat"\nnegative = "no cat"')
    assert plan.jobs[1].request.prompt == "dog, dog"
    assert plan.jobs[1].request.negative == "no dog"
    with pytest.raises(ConfigError, match="'cow' stands in no prompt"):
        _read('[axes]\ncolumns = { replace = ["cow", "dog"] }\n[[jobs]]\nprompt = "cat"')


def test_pictures_that_are_compared_share_their_seed_even_if_nobody_states_one():
    plan = _read('[axes]\ncolumns = { cfg = "2,4" }\n[[jobs]]\nprompt = "p"\n[[jobs]]\nprompt = "q"')
    seeds = [job.request.seed for job in plan.jobs]
    assert seeds[0] is not None
    assert seeds[0] == seeds[1] != seeds[2] == seeds[3]
    again = _read('[axes]\ncolumns = { cfg = "2,4" }\n[[jobs]]\nprompt = "p"\n[[jobs]]\nprompt = "q"')
    assert [job.request.seed for job in again.jobs] == seeds


def test_a_seed_axis_sets_the_seed():
    plan = _read('[axes]\nrows = { seeds = "1-3" }\n[[jobs]]\nprompt = "p"')
    assert [job.request.seed for job in plan.jobs] == [1, 2, 3]
    assert plan.sheet.rows == ("seed 1", "seed 2", "seed 3")


def test_a_sheet_without_end_is_refused():
    with pytest.raises(ConfigError, match="pictures"):
        _read('[axes]\nrows = { seeds = "1-1000" }\ncolumns = { steps = "1-1000" }\n[[jobs]]\nprompt = "p"')


def test_the_shipped_prompt_files_are_read_without_a_problem():
    files = [f for f in Path("prompts").iterdir() if f.suffix in {".toml", ".txt", ".csv", ".jsonl"}]
    assert {f.name for f in files} >= {"demo.toml"}
    for file in files:
        assert not read_prompt_file(file).problems, file


def test_the_demo_shows_a_strength_on_each_axis():
    plan = read_prompt_file(Path("prompts/demo.toml"))
    assert len(plan.sheet.columns) >= 3
    assert len(plan.sheet.rows) >= 3


@pytest.mark.parametrize(
    "tag", ["<lora:ink:0.7>", "<lora:styles/ink:0.7>", "<lyco: INK.safetensors >", "<loractl:ink>"]
)
def test_a_lora_axis_takes_every_spelling_of_its_lora_out_of_every_prompt(tag):
    plan = _read(
        f'[axes]\ncolumns = {{ lora = "ink", strengths = [1] }}\n[[jobs]]\nprompt = "a {tag}"\nnegative = "b {tag}"\n'
        f'hires = {{ scale = 2, prompt = "c {tag}" }}\nloras = {{ "styles/ink" = 0.3, other = 0.2 }}'
    )
    for job, strength in zip(plan.jobs, (0.0, 1.0), strict=True):
        assert (job.request.prompt, job.request.negative, job.request.hires.prompt) == ("a ", "b ", "c ")
        assert [(use.name, use.strength.denoiser) for use in job.request.loras] == [("other", 0.2), ("ink", strength)]


def test_a_lora_axis_leaves_others_and_what_is_no_tag_alone():
    prompt = r"a <lora:b/ink:1> <lora:inkwell:1> \\<lora:ink:1> # <lora:ink:1>"
    plan = _read(f'[axes]\ncolumns = {{ lora = "a/ink", strengths = [1] }}\n[[jobs]]\nprompt = "{prompt}"')
    assert plan.jobs[0].request.prompt == prompt.replace("\\\\", "\\")


def test_aliases_are_told_by_the_library(tmp_path):
    (tmp_path / "a.toml").write_text(
        '[axes]\ncolumns = { lora = "ink", strengths = [1] }\n[[jobs]]\nprompt = "a <lora:India Ink:1> <lora:pen:1>"'
    )
    asked = []

    def same(name: str, other: str) -> bool:
        asked.append((name, other))
        return other == "India Ink"

    plan = read_prompt_file(tmp_path / "a.toml", same=same)
    assert plan.jobs[0].request.prompt == "a <lora:India Ink:0> <lora:pen:1>"
    assert ("ink", "pen") in asked


def test_a_lora_axis_changes_the_lora_in_its_region():
    plan = _read(
        '[axes]\ncolumns = { lora = "ink", strengths = [0.5] }\n[[jobs]]\nprompt = "two things"\n'
        'regions = [{ prompt = "cat", mask = [0, 0, 0.5, 1], loras = { "styles/ink" = 0.8, pen = 1 } },'
        ' { prompt = "dog <lora:ink:0.8>", mask = [0.5, 0, 1, 1] }]'
    )
    for job, strength in zip(plan.jobs, (0.0, 0.5), strict=True):
        left, right = job.request.regions
        assert job.request.loras == ()
        assert {use.name: use.strength.denoiser for use in left.loras} == {"ink": strength, "pen": 1.0}
        assert (right.prompt, right.loras) == (f"dog <lora:ink:{strength:g}>", ())


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("x <region:0,0,0.5,1> cat <lora:ink:0.8>", "x <region:0,0,0.5,1> cat <lora:ink:0.5>"),
        ("x ADDBASE cat <lora:ink:0.8> ADDCOL dog", "x ADDBASE cat <lora:ink:0.5> ADDCOL dog"),
        ("<lora:ink:1> ADDCOMM <lora:ink:0.8> BREAK dog", "<lora:ink:0.5> ADDCOMM <lora:ink:0.5> BREAK dog"),
        ("<region:0,0,1,1> <lora:ink:1> <lora:ink:2>", "<region:0,0,1,1> <lora:ink:0.5> "),
        ("<region:0,0,nowhere> <lora:ink:1>", "<region:0,0,nowhere> <lora:ink:0.5>"),
    ],
)
def test_a_lora_axis_changes_the_tag_of_a_region_that_stands_in_the_prompt(prompt, expected):
    plan = _read(f'[axes]\ncolumns = {{ lora = "ink", strengths = [0.5] }}\n[[jobs]]\nprompt = "{prompt}"')
    assert (plan.jobs[1].request.prompt, plan.jobs[1].request.loras) == (expected, ())


@pytest.mark.parametrize(
    ("negative", "expected"),
    [
        ("<lora:ink:1> BREAK grey <lora:ink:0.8>", "<lora:ink:0.5> BREAK grey <lora:ink:0.5>"),  # one in each region
        ("<lora:ink:1> grey <lora:ink:0.8>", "<lora:ink:0.5> grey "),  # not divided: one place
        ("<lora:ink:1> ADDCOMM grey BREAK <lora:ink:2>", "<lora:ink:0.5> ADDCOMM grey BREAK <lora:ink:0.5>"),
    ],
)
def test_a_lora_axis_changes_the_tags_of_a_negative_prompt_place_by_place(negative, expected):
    plan = _read(
        '[axes]\ncolumns = { lora = "ink", strengths = [0.5] }\n[[jobs]]\nprompt = "cat ADDCOL dog"\n'
        f'negative = "{negative}"\nhires = {{ scale = 2, negative = "{negative}" }}'
    )
    request = plan.jobs[1].request
    assert (request.negative, request.hires.negative, request.loras) == (expected, expected, ())


def test_a_lora_axis_changes_a_lora_wherever_it_stands():
    plan = _read(
        '[axes]\ncolumns = { lora = "ink", strengths = [0.5] }\n[[jobs]]\nprompt = "two things"\nloras = { ink = 1 }\n'
        'regions = [{ prompt = "cat", mask = [0, 0, 0.5, 1], loras = { ink = 0.8 } }]'
    )
    request = plan.jobs[1].request
    assert [use.strength.denoiser for use in (*request.loras, *request.regions[0].loras)] == [0.5, 0.5]


def test_a_lora_axis_leaves_a_lora_its_place_its_blocks_and_its_course():
    job = (
        'prompt = "cat"\n[[jobs.loras]]\nname = "ink"\nstrength = 0.8\nte = 0.2\nmask = [0, 0, 0.5, 1]\n'
        "blocks = { MID = 0.5 }\ncurve = [[0, 1], [1, 0]]\n"
    )
    (*_, last) = _read(f'[axes]\ncolumns = {{ lora = "ink", strengths = [0.5] }}\n[[jobs]]\n{job}').jobs
    (use,) = last.request.loras
    assert (use.strength.denoiser, use.strength.of("te1")) == (0.5, 0.5)
    (asked,) = _read(f"[[jobs]]\n{job}").jobs[0].request.loras
    kept = {name: getattr(asked.strength, name) for name in ("mask", "blocks", "curve")}
    assert kept == {name: getattr(use.strength, name) for name in kept}


def test_a_lora_axis_leaves_a_tag_what_else_it_says():
    tag = "<lora:ink:0.8:0.2:lbw=MIDD:stop=3:hr=1>"
    plan = _read(f'[axes]\ncolumns = {{ lora = "ink", strengths = [0.5] }}\n[[jobs]]\nprompt = "[a {tag}:b:0.5]"')
    assert plan.jobs[1].request.prompt == "[a <lora:ink:0.5:lbw=MIDD:stop=3>:b:0.5]"


def test_a_lora_axis_keeps_a_lora_of_the_negative_prompt_there():
    jobs = '[[jobs]]\nprompt = "a"\nnegative = "b <lora:ink:1>"'
    plan = _read(f'[axes]\ncolumns = {{ lora = "ink", strengths = [0.5] }}\n{jobs}')
    assert (plan.jobs[1].request.negative, plan.jobs[1].request.loras) == ("b <lora:ink:0.5>", ())


def test_a_lora_axis_keeps_a_lora_of_the_second_pass_there():
    jobs = '[[jobs]]\nprompt = "a"\nhires = { scale = 2, prompt = "b <lora:ink:1>" }'
    plan = _read(f'[axes]\ncolumns = {{ lora = "ink", strengths = [0.5] }}\n{jobs}')
    request = plan.jobs[1].request
    assert (request.prompt, request.hires.prompt, request.loras) == ("a", "b <lora:ink:0.5>", ())
