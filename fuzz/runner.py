"""Throw bytes at a target for some seconds: guided by coverage if atheris is installed, else by mutation alone.

A target takes bytes and returns whether they were accepted; anything it raises is a finding. The bytes of a
finding are kept in the working folder, and the exit status is not 0.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

Target = Callable[[bytes], bool]
MAX_BYTES = 4096


def main(name: str, target: Target, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    """Run a target from the command line."""
    parser = argparse.ArgumentParser(prog=f"python -m fuzz.{name}")
    parser.add_argument("--seconds", type=float, default=60, help="how long to run")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations, when atheris is not installed")
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is not None:
        _guided(target, seeds, tokens, options.seconds)
    else:
        sys.exit(_by_mutation(name, target, seeds, tokens, options.seconds, random.Random(options.seed)))  # noqa: S311


def _guided(target: Target, seeds: Sequence[bytes], tokens: Sequence[bytes], seconds: float) -> None:
    atheris = importlib.import_module("atheris")
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(seeds):
        (corpus / str(number)).write_bytes(seed)
    words = folder / "words"
    words.write_text("".join(f'"{_escaped(token)}"\n' for token in tokens))
    atheris.instrument_all()
    limits = (f"-max_total_time={int(seconds)}", f"-max_len={MAX_BYTES}", "-rss_limit_mb=2048", "-timeout=10")
    atheris.Setup([sys.argv[0], str(corpus), f"-dict={words}", *limits], lambda data: target(data) and None)
    atheris.Fuzz()


def _escaped(token: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token)


def _by_mutation(
    name: str, target: Target, seeds: Sequence[bytes], tokens: Sequence[bytes], seconds: float, dice: random.Random
) -> int:
    outcomes = Counter[bool]()
    pool = list(seeds)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = dice.choice(pool)
        for _ in range(dice.choice((0, 1, 1, 1, 2, 4))):
            data = _mutated(data, pool, tokens, dice)[:MAX_BYTES]
        try:
            accepted = target(data)
        except Exception as error:
            path = Path(f"fuzz-{name}-{hashlib.sha256(data).hexdigest()[:12]}")
            path.write_bytes(data)
            sys.stdout.write(
                f"{name}: {type(error).__name__} after {outcomes.total():,} inputs; the input is in {path}\n"
            )
            raise
        outcomes[accepted] += 1
        if accepted and len(pool) < 10_000:
            pool.append(data)
    sys.stdout.write(f"{name}: {outcomes.total():,} inputs, {outcomes[True]:,} of them accepted, nothing found\n")
    return 0


def _mutated(data: bytes, pool: Sequence[bytes], tokens: Sequence[bytes], dice: random.Random) -> bytes:
    at = dice.randrange(len(data) + 1)
    to = min(len(data), at + dice.choice((1, 1, 2, 4, 16, 200)))
    kind = dice.randrange(6)
    if kind == 0:
        return data[:at] + bytes([dice.randrange(256)]) + data[to:]
    if kind == 1:
        return data[:at] + dice.choice(tokens) + data[at:]
    if kind == 2:
        return data[:at] + dice.choice(tokens) + data[to:]
    if kind == 3:
        return data[:at] + data[to:]
    if kind == 4:
        return data[:to] + data[at:]
    other = dice.choice(pool)
    cut = dice.randrange(len(other) + 1)
    return data[:at] + other[cut:]
