"""Fuzz the readers of prompt files, wildcards and templates: `python -m fuzz.prompt_files --seconds 60`.

Nothing but our own errors may be raised, problems must lie in the text, and nothing may take long.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fuzz.runner import main
from lora_mixer.errors import LoraMixerError
from lora_mixer.prompt import combinations, expand
from lora_mixer.prompt.yaml_lists import read_yaml
from lora_mixer.promptfile.mix_file import parse_mix
from lora_mixer.promptfile.reading import FORMATS, read_prompt_text

SECONDS_AT_MOST = 2.0
TOKENS = tuple(
    text.encode()
    for text in (
        "[[jobs]]", "[axes]", "columns", "rows", "prompt", "seed", "loras", "strengths", "hires", "title", " = ", '"', "'",
        '"""', "'''", "\\", "\n", "\n\n", "{", "}", "[", "]", ",", ";", "\t", ":", ".", "-1", "1e999", "nan", "0..1:5",
        "--", "--seed ", "--n_iter 3", "--loras a=1", "lora:a", "__a__", "__@a__", "${v=", "${v}", "%{", "$$", "{2$$|$$",
        "{!", "- ", "  - ", "&a ", "*a", "<<: *a", "!!python/name:os ", "2::", "|", ">-", "---", "~", "<lora:a:1>", "#",
    )
)  # fmt: skip
SEEDS = (
    b"cat\ndog --seed 3 --loras ink=0.5;pen\n# comment\n",
    b"title = 't'\n[defaults]\nseed = 7\n[axes]\ncolumns = { lora = 'a', strengths = '0..1:3' }\n[[jobs]]\nprompt = 'a'\n",
    b"prompt;seed;lora:a\n'x; y';7;0.5\n",
    b'"a"\n{"prompt": "b", "loras": {"x": 1}}\n',
    b"sea: &s\n  fish:\n    - 2::carp\n    - {text: eel, weight: 2}\nland:\n  <<: *s\n",
    b"{2$$ and $$a|b|c} __a-${v:1}__ %{x ... y$${c|d}} ${v=!{e|f}}${v}",
)


def _prompt_files(text: str) -> None:
    for ending in FORMATS:
        _quietly(partial(_prompt_file, text, ending))


def _prompt_file(text: str, ending: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    for problem in read_prompt_text(text, Path(f"a{ending}")).problems:
        assert 1 <= problem.line <= lines, problem
        str(problem)


def _quietly(read: Callable[[], object]) -> bool:
    try:
        read()
    except LoraMixerError:
        return False
    return True


def target(data: bytes) -> bool:
    """Read one text in every way."""
    text = data.decode("utf-8", "replace")
    start = time.process_time()
    _prompt_files(text)
    accepted = _quietly(lambda: expand(text, seed=3))
    for read in (
        lambda: combinations(text, limit=5),
        lambda: read_yaml(text, where="a.yaml"),
        lambda: parse_mix(data, where="a.toml"),
    ):
        accepted |= _quietly(read)
    seconds = time.process_time() - start
    if seconds > SECONDS_AT_MOST:
        raise AssertionError(f"took {seconds:.1f} s")
    return accepted


if __name__ == "__main__":
    main("prompt_files", target, SEEDS, TOKENS)
