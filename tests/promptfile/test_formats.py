"""A prompt file means what it says in every format, and a bad line costs only itself."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer.errors import ConfigError, LoraMixerError, MissingFileError
from lora_mixer.mixes import LoraUse, Strength
from lora_mixer.promptfile.lines import LONGEST_LINE, split_plain, split_quoted
from lora_mixer.promptfile.reading import FORMATS, MAX_BYTES, read_prompt_file, read_prompt_text


def _read(text: str, name: str = "a.txt", *, strict: bool = False):
    return read_prompt_text(text, Path(name), strict=strict)


def _only(text: str, name: str = "a.txt"):
    (job,) = _read(text, name).jobs
    return job.request


@pytest.mark.parametrize(
    ("line", "prompt", "negative", "steps"),
    [
        ("a cat", "a cat", None, None),
        ("a well--known cat -- really", "a well--known cat -- really", None, None),
        ("--prompt a cat --steps 20", "a cat", None, 20),
        ("a cat --steps 20", "a cat", None, 20),
        ("--prompt it's a cat --steps 20", "it's a cat", None, 20),
        ('--prompt "it\'s a cat" --steps 20', "it's a cat", None, 20),
        ("--prompt 'a cat --steps 5' --steps 20", "a cat --steps 5", None, 20),
        ("--prompt 'tis a cat --steps 20", "'tis a cat", None, 20),
        ('--prompt "a \\"big\\" cat" --steps 20', 'a "big" cat', None, 20),
        ("--prompt a \\(b\\) cat --steps 20", "a \\(b\\) cat", None, 20),
        ("--prompt a, (b:1.2) --negative_prompt bad, worse --steps 20", "a, (b:1.2)", "bad, worse", 20),
        ("--negative_prompt bad --prompt a", "a", "bad", None),
        ("--prompt <lora:x:0.5> a --tiling false", "<lora:x:0.5> a", None, None),
    ],
)
def test_a_line_of_a1111s_form_is_split_where_its_author_meant(line, prompt, negative, steps):
    plan = _read(line)
    request = plan.jobs[0].request
    assert (request.prompt, request.negative, request.steps) == (prompt, negative, steps)
    assert not plan.problems


def test_every_option_of_a1111_that_decides_a_picture_arrives():
    request = _only(
        "--prompt p --seed 7 --steps 9 --cfg_scale 4.5 --width 512 --height 768 --sampler_name Euler a --sd_model m"
    )
    assert (request.seed, request.steps, request.cfg, request.width, request.height) == (7, 9, 4.5, 512, 768)
    assert (request.sampler, request.model) == ("Euler a", "m")


def test_batches_of_a1111_become_pictures_with_seeds_counting_up():
    plan = _read("--prompt p --seed 7 --n_iter 2 --batch_size 2")
    assert [job.request.seed for job in plan.jobs] == [7, 8, 9, 10]


def test_options_without_effect_are_told_and_cost_nothing():
    plan = _read("--prompt p --restore_faces true --sampler_index 5")
    assert [problem.column for problem in plan.problems] == [12, 33]
    assert not any(problem.skipped for problem in plan.problems)
    assert len(plan.jobs) == 1


def test_a_bad_line_costs_only_itself_and_shows_its_place():
    plan = _read("good\n--prompt x --stps 3\n# note\n\nalso good\n")
    assert [job.request.prompt for job in plan.jobs] == ["good", "also good"]
    assert str(plan.problems[0]) == (
        "line 2, column 12: unknown option --stps; the nearest is steps\n    --prompt x --stps 3\n               ^"
    )


def test_strict_refuses_the_file_for_its_first_problem():
    with pytest.raises(ConfigError, match=r"a\.txt:2:12") as caught:
        _read("good\n--prompt x --stps 3", strict=True)
    assert "^" in caught.value.__notes__[0]


@pytest.mark.parametrize("ending", sorted(FORMATS))
def test_an_empty_file_is_refused_in_every_format(ending):
    with pytest.raises(ConfigError):
        _read("", f"a{ending}")


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeff猫\r\ntwo\r\n".encode())
    assert [job.request.prompt for job in read_prompt_file(path).jobs] == ["猫", "two"]


@pytest.mark.parametrize(
    "data",
    [b"a\0b", "猫".encode("utf-16"), b"ok\n\xff\xfe", b"x" * (MAX_BYTES + 1)],
    ids=["zero", "utf16", "bad", "large"],
)
def test_what_is_no_text_is_refused(tmp_path, data):
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    with pytest.raises(ConfigError):
        read_prompt_file(path)
    with pytest.raises(MissingFileError):
        read_prompt_file(tmp_path / "none.txt")


TOML = """
title = "t"
[defaults]
negative = "bad"
loras = [{ name = "base", strength = 0.3 }]
size = "64x128"
[[jobs]]
prompt = "a"
stps = 3
[[jobs]]
prompt = "b"
loras = [{ name = "x", strenght = 3 }]
[[jobs]]
prompt = "c"
name = "third"
loras = { x = 0.5 }
cfg = 4
[[jobs]]
prompt = "d"
size = "8x8"
loras = [{ name = "y", unet = 1, te = 0, blocks = { IN01 = 0.5 }, curve = [[0, 1], [1, 0]], mask = [0, 0, 0.5, 1] }]
"""


def test_toml_jobs_take_their_gaps_from_the_defaults():
    plan = _read(TOML, "a.toml")
    third, fourth = (job.request for job in plan.jobs)
    assert plan.jobs[0].name == "third"
    assert (third.negative, third.width, third.height, third.cfg) == ("bad", 64, 128, 4.0)
    assert third.loras == (
        LoraUse(name="base", strength=Strength(0.3)),
        LoraUse(name="x", strength=Strength(0.5)),
    )
    assert (fourth.width, fourth.height) == (8, 8)
    strength = fourth.loras[1].strength
    assert (strength.of("te1"), dict(strength.blocks)) == (0.0, {"IN01": 0.5})
    assert strength.curve is not None
    assert strength.curve.points == ((0.0, 1.0), (1.0, 0.0))
    assert strength.mask is not None


def test_misspelt_keys_in_toml_are_placed_and_the_nearest_named():
    problems = _read(TOML, "a.toml").problems
    assert [(p.line, p.column, p.what) for p in problems] == [
        (9, 1, "unknown key stps; the nearest is steps"),
        (12, 24, "unknown key strenght; the nearest is strength"),
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a = \n", ":1:5"),
        ("[defaults]\nsteps = 0\n", ":2:1"),
        ("[default]\nsteps = 1\n", ":1:2"),
        ('[defaults]\nprompt = "p"\n[axes]\nrows = { lora = "x" }\n', ":4:1"),
        ('[defaults]\nprompt = "p"\n[axes]\nrows = { steps = "0..x" }\n', ":4:1"),
        ('[defaults]\nprompt = "p"\n[axes]\nrows = { steps = [1.5] }\n', ":4:1"),
        ('[defaults]\nprompt = "p"\n[axes]\nrows = { cfg = [1], steps = [2] }\n', ":4:1"),
        ("jobs = 3", ":1:1"),
        ("a = " + "[" * 50_000, ""),
    ],
)
def test_what_concerns_the_whole_toml_file_refuses_it_with_its_place(text, place):
    with pytest.raises(ConfigError, match=rf"a\.toml{place}"):
        _read(text, "a.toml")


def test_csv_takes_any_separator_and_columns_of_loras():
    for mark in ",;\t":
        text = f'prompt{mark}steps{mark}lora:ink\n"a{mark} b"{mark}20{mark}0.5\nc{mark}{mark}\n'
        first, second = (job.request for job in _read(text, "a.csv").jobs)
        assert (first.prompt, first.steps) == (f"a{mark} b", 20)
        assert first.loras == (LoraUse(name="ink", strength=Strength(0.5)),)
        assert (second.steps, second.loras) == (None, ())


def test_csv_rows_over_several_lines_are_told_by_their_first_line():
    plan = _read('prompt,steps\n"two\nlines",x\nok,3\n', "a.csv")
    assert [problem.line for problem in plan.problems] == [2]
    assert plan.jobs[0].line == 4


def test_a_csv_header_that_names_no_field_is_refused():
    with pytest.raises(ConfigError, match="the nearest is prompt"):
        _read("promt,steps\na,3\n", "a.csv")
    with pytest.raises(ConfigError, match="prompt"):
        _read("steps\n3\n", "a.csv")


def test_jsonl_takes_texts_and_objects_and_tells_the_rest():
    deep = "[" * 100_000
    plan = _read(
        f'"a"\n{{"prompt": "b", "loras": {{"x": 1}}}}\n{{"x\n[1]\n{{"prompt": "c", "steps": "3"}}\n{deep}', "a.jsonl"
    )
    assert [job.request.prompt for job in plan.jobs] == ["a", "b"]
    assert [problem.line for problem in plan.problems] == [3, 4, 5, 6]


@given(st.text(max_size=300), st.sampled_from(sorted(FORMATS)))
def test_no_text_crashes_a_reader(text, ending):
    with suppress(LoraMixerError):
        _read(text, f"a{ending}")


@given(
    st.text(
        st.characters(exclude_characters="\r\n\0\"'#\\-", exclude_categories=["Cs", "Z", "Cc"]), min_size=1, max_size=80
    )
)
def test_a_plain_prompt_arrives_letter_for_letter(prompt):
    assert _only(prompt).prompt == prompt
    assert _only(f"--prompt {prompt} --steps 3").prompt == prompt


@pytest.mark.parametrize(
    "attack", ["--prompt 'x ", "' --a ", "--", "--steps 1 ", '--prompt "', "(" * 50, " ", "'x --a "]
)
def test_a_megabyte_is_read_or_refused_in_seconds(attack):
    longest = ("x " + attack * (LONGEST_LINE // len(attack)))[:LONGEST_LINE]
    start = time.perf_counter()
    for text in ("\n".join([longest] * 15), longest[2:] * 15):
        with suppress(ConfigError):
            _read(text)
    assert time.perf_counter() - start < 4


def test_a_header_that_is_no_csv_or_names_a_column_twice_is_refused_with_its_place():
    with pytest.raises(ConfigError, match="header cannot be read") as caught:
        _read('"prompt"x,seed\na,1\n', "a.csv")
    assert caught.value.where == "a.csv:1:1"
    with pytest.raises(ConfigError, match="two columns are called seed"):
        _read("prompt,seed,seed\na,1,2\n", "a.csv")


def test_a_fault_is_placed_in_its_own_job_and_not_in_the_first_that_has_the_key():
    plan = _read('[[jobs]]\nprompt = "a"\nsteps = 3\n[[jobs]]\nprompt = "b"\n  steps = 0\n', "a.toml")
    (problem,) = plan.problems
    assert (problem.line, problem.column) == (6, 3)
    assert [job.line for job in plan.jobs] == [1]


def test_many_faults_of_one_entry_are_told_as_a_few():
    plan = _read('"a"\n{"prompt": "b", ' + ", ".join(f'"k{i}": 1' for i in range(500)) + "}\n", "a.jsonl")
    assert len(plan.problems) == 11
    assert plan.problems[-1].what == "490 more things are wrong in it"


@given(
    st.lists(
        st.sampled_from(["a", " ", "\t", "--steps", "--seed", "--", "3", "-", "--x-y", " --negative_prompt ", "\u00a0"])
    )
)
def test_a_line_without_quotes_is_split_as_any_other(pieces: list[str]) -> None:
    line = "".join(pieces)
    assert list(split_plain(line)) == [
        option for option in split_quoted(line) if option.key != "prompt" or option.value
    ]


def test_an_option_that_begins_a_line_is_read_like_the_others() -> None:
    read = read_prompt_text('--prompt "red heart"\n--steps --seed 3\n', Path("a.txt"))
    assert [job.request.prompt for job in read.jobs] == ["red heart"]
    assert ["--steps has no value" in problem.what for problem in read.problems] == [True]
