"""One rule for seeds, whichever the format: none stated follows from the prompts, -1 is drawn when it is rendered."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_mixer.promptfile.reading import read_prompt_text

SAME = {
    ".txt": "cat --negative_prompt bad\ncat\ndog --seed -1\ncow --seed 7\n",
    ".toml": "[[jobs]]\nprompt = 'cat'\nnegative = 'bad'\n[[jobs]]\nprompt = 'cat'\n"
    "[[jobs]]\nprompt = 'dog'\nseed = -1\n[[jobs]]\nprompt = 'cow'\nseed = 7\n",
    ".csv": "prompt,negative,seed\ncat,bad,\ncat,,\ndog,,-1\ncow,,7\n",
    ".jsonl": '{"prompt": "cat", "negative": "bad"}\n"cat"\n{"prompt": "dog", "seed": -1}\n{"prompt": "cow", "seed": 7}\n',
}


def seeds(text: str, ending: str = ".txt") -> list[int | None]:
    return [job.request.seed for job in read_prompt_text(text, Path(f"a{ending}")).jobs]


@pytest.mark.parametrize("ending", SAME)
def test_every_format_gives_the_same_seeds_every_time(ending: str) -> None:
    found = seeds(SAME[ending], ending)
    assert found == seeds(SAME[".txt"]) == seeds(SAME[".txt"])
    assert found[2:] == [-1, 7]
    assert found[0] != found[1]


def test_axes_change_no_seed() -> None:
    jobs = "[[jobs]]\nprompt = 'cat'\n[[jobs]]\nprompt = 'dog'\nseed = 7\n"
    plain = seeds(jobs, ".toml")
    both = seeds(f"[axes]\ncolumns = {{ cfg = [3, 4] }}\n{jobs}", ".toml")
    assert both == [seed for seed in plain for _ in range(2)]


def test_along_axes_pictures_share_their_seed_even_where_one_is_to_be_drawn() -> None:
    found = seeds("[axes]\ncolumns = { cfg = [3, 4] }\n[[jobs]]\nprompt = 'cat'\nseed = -1\n", ".toml")
    assert found[0] == found[1] == seeds("cat")[0]


def test_the_same_line_twice_is_two_pictures_and_other_lines_change_neither() -> None:
    first, second = seeds("cat\ncat\n")
    assert second == first + 1
    assert seeds("dog\ncat\ncow\ncat\n")[1::2] == [first, second]
    assert seeds("cat --n_iter 2\ncat --n_iter 2\n") == [first, first + 1, first + 2, first + 3]


def test_what_differs_in_more_than_the_prompt_is_compared_under_one_seed() -> None:
    assert len(set(seeds("cat --steps 5\ncat --steps 9\ncat --loras ink=0.5\n"))) == 1
