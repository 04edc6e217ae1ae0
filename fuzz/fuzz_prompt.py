"""Throw odd text at the prompt language: nothing but PromptError may come out, and parse(unparse(p)) is p.

Run it as `python -m fuzz.fuzz_prompt --seconds 60`; it stops at the first text that breaks a law and shows it.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from lora_mixer.errors import PromptError
from lora_mixer.prompt import GRAMMARS, combinations, expand, find_missing, parse, timeline, unparse

SHARDS = (
    *"()[]{}|:<>\\#,._-@~$= \n\t0159",
    *(
        "a",
        "Ab",
        "é",
        "字",
        "\U0001f600",
        "\u00a0",
        "\x00",
        "BREAK",
        "AND",
        " AND ",
        "AND:",
        ":1.2)",
        ":.",
        ":0.5]",
        "1e9",
    ),
    *(
        "<lora:x:1>",
        "<lora:",
        "<lyco:y:0@0,1@1:lbw=ALL>",
        "<lora:z:1:step=2-5>",
        "<x:",
        "__a__",
        "__*__",
        "__a(v=1)__",
        "${v=",
        "${v=!",
        "${v}",
        "${w:",
        "<lora:u:1:lbw=R,U,X-0.1,0:x=",
        "{2$$",
        "0.5::",
    ),
    *("[a:b:3]", "[c|d]", "(e:1.1)", "((f))", "[[g]]", "(h:[1:2:5])", "embedding:q_v2", "99999999999", "-", "+", "//"),
)


def odd_text(draw: random.Random) -> str:
    """Return a text of up to 60 shards, some of them repeated."""
    return "".join(draw.choice(SHARDS) * draw.choice((1, 1, 1, 1, 2, 7)) for _ in range(draw.randrange(60)))


def check(text: str, draw: random.Random) -> None:
    """Try every law on one text."""
    for grammar in GRAMMARS:
        for negative in (False, True):
            try:
                prompt = parse(text, grammar=grammar.name, negative=negative)
                spans = timeline(prompt, draw.randrange(1, 40), blocks=lambda _text: {}, elements=lambda _text: ())
            except PromptError:
                continue
            assert spans[0].start == 0
            find_missing(prompt, ["q_v3"])
            if grammar.name == "default":
                assert parse(unparse(prompt), negative=negative) == prompt, unparse(prompt)
    for unfold in (lambda: expand(text, seed=draw.randrange(9)), lambda: combinations(text, limit=20)):
        try:
            unfold()
        except PromptError:
            continue


def main() -> None:
    """Fuzz for so many seconds."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.fuzz_prompt")
    parser.add_argument("--seconds", type=float, default=60, help="how long to run")
    parser.add_argument("--seed", type=int, default=time.time_ns(), help="of the texts")
    options = parser.parse_args()
    seed = options.seed
    draw = random.Random(seed)  # noqa: S311 odd texts, no secret
    ends, count = time.monotonic() + options.seconds, 0
    while time.monotonic() < ends:
        text = odd_text(draw)
        started = time.process_time()
        try:
            check(text, draw)
        except BaseException:
            sys.stderr.write(f"seed {seed}, text {count}: {text!r}\n")
            raise
        assert time.process_time() - started < 2, f"slow: {text!r}"
        count += 1
    sys.stdout.write(f"{count} texts, seed {seed}: no law broken\n")


if __name__ == "__main__":
    main()
