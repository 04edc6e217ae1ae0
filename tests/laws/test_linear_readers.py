"""Whatever a text file says, reading it takes time that grows with its length alone, and ends in a value or our own error.

Each attack is read at three sizes, and its slope is that of processor time: four times the text may take not much more
than four times as long, where the square would take sixteen times as long.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lora_mixer.catalog.read_models import read_models_text
from lora_mixer.errors import LoraMixerError
from lora_mixer.prompt import apply_styles, combinations, expand, parse, tag_places, timeline, without_tags
from lora_mixer.prompt.styles import Style, read_styles
from lora_mixer.prompt.yaml_lists import read_yaml
from lora_mixer.promptfile.mix_file import parse_mix
from lora_mixer.promptfile.ranges import numbers, whole_numbers
from lora_mixer.promptfile.reading import read_prompt_text

Text = Callable[[int], str]


def _times(text: str) -> Text:
    return lambda size: text * max(size // len(text), 1)


def _counted(template: str, before: str = "") -> Text:
    """Return a text of numbered pieces."""
    return lambda size: before + "".join(template % number for number in range(size // len(template)))


TOML: dict[str, Text] = {
    "blanks behind a bracket": lambda n: f'a = """\n[{" " * n}x"""\n[[jobs]]\nprompt = "a"\n',
    "dotted keys": lambda n: "a." * (n // 2) + "b = 1\n",
    "many dotted keys": _counted("a%d." + "b." * 14 + "c = 1\n"),
    "dots in an odd string": lambda n: '\\"""\n' * (n // 6) + "." * 40,
    "wrong jobs": _times("[[jobs]]\nprompt = 3\nsedd = 4\n"),
    "jobs": _times("[[jobs]]\nprompt = 'a'\n"),
    "jobs with tables": _times("[[jobs]]\nprompt = 'a'\n[jobs.loras]\nx = 1\n"),
    "jobs in one line": lambda n: "jobs = [" + "{prompt = 'a'}," * (n // 15) + "]",
    "misspelt keys of one job": _counted("k%d = 1\n", "[[jobs]]\nprompt = 'a'\n"),
    "keys": _counted("k%d = 1\n"),
    "places on an axis": lambda n: f"[axes]\ncolumns = {{ cfg = [{'1,' * (n // 2)}] }}\n[[jobs]]\nprompt = 'a'\n",
    "texts on an axis": lambda n: "[axes]\ncolumns = { prompt = [" + '"a",' * (n // 4) + "] }\n",
    "a range on an axis": lambda n: f"[axes]\ncolumns = {{ cfg = '{'1,' * (n // 2)}' }}\n[[jobs]]\nprompt = 'a'\n",
    "digits": lambda n: f"[[jobs]]\nprompt = 'a'\nseed = {'9' * n}\n",
    "brackets": lambda n: "a = " + "[" * n,
    "escapes": lambda n: f'[[jobs]]\nprompt = "{chr(92) + "u0041" * (n // 6)}"\n',
}
LINES: dict[str, Text] = {
    "one letter": _times("a\n"),
    "misspelt options": _counted("a --sedd%d 1\n"),
    "options": _times("a --steps 3\n"),
    "quotes": _times("--prompt 'x --a \n"),
    "digits": lambda n: f"a --seed {'9' * n}\n",
}
CSV: dict[str, Text] = {
    "rows": lambda n: "prompt,seed\n" + "a,1\n" * (n // 4),
    "columns": _counted("lora:%d,", "prompt,"),
    "columns and rows": lambda n: "prompt" + "".join(f",lora:{i}" for i in range(n // 20)) + "\n" + "a\n" * (n // 4),
    "wrong rows": _counted("a,x%d\n", "prompt,seed\n"),
    "an open quote": lambda n: 'prompt\n"' + "a\n" * (n // 2),
    "digits": lambda n: f"prompt,seed\na,{'9' * n}\n",
}
JSONL: dict[str, Text] = {
    "misspelt keys": _counted('{"prompt": "a", "sedd%d": 1}\n'),
    "misspelt keys of one entry": lambda n: json.dumps({f"k{i}": 1 for i in range(n // 10)}) + "\n",
    "texts": _times('"a"\n'),
    "digits": lambda n: f'{{"prompt": "a", "seed": {"9" * n}}}\n',
    "brackets": lambda n: "[" * n + "\n",
    "a long list": lambda n: json.dumps({"prompt": "a", "loras": ["x"] * (n // 5)}) + "\n",
}
TEMPLATES: dict[str, Text] = {
    "wildcards": _times("__a__"),
    "wildcards of a choice": _times("{3$$__a__}"),
    "wildcards in turn": _times("__@a__"),
    "unfinished names": _times("__a{"),
    "braces in names": _times("__{a}{b}"),
    "headers": _times("{1$$a"),
    "digits": lambda n: "{" + "1" * n + "$$a|b}",
    "shares": lambda n: "{" + "9" * n + "::a|b}",
    "variables": _counted("${v%d=a}"),
    "a long choice drawn often": lambda n: "${v={" + "a|" * (n // 4) + "b}}" + "${v}" * (n // 8),
    "wraps": _times("%{a...$$"),
    "tags": _times("<lora:a__b__c:1>"),
}
PROMPTS: dict[str, Text] = {
    "comments behind weights": _times("a :1 # b\n<c:d> "),
    "escapes": _times("\\:1.2)\\#"),
    "interleaved weights": _times("([a)b]:2)"),
    "tags": _times("<lora:x:1:INALL:hr=0.5>"),
    "keyframes": lambda n: "<lora:x:" + ",".join(f"1@{i}" for i in range(n // 6)) + ">",
    "words of regions": _times("ADDCOL "),
}
YAML: dict[str, Text] = {
    "items": _times("- a\n"),
    "keys": _counted("k%d: [a]\n"),
    "blanks": lambda n: "a:\n  - b" + " " * n + "c: d: e\n",
    "braces": _times("- {a|b} c\n"),
    "open brackets": lambda n: "[" * n,
    "aliases": lambda n: "a: &a [x]\n" + "".join(f"b{i}: *a\n" for i in range(n // 8)),
    "quotes": _times("- 'a''b' c\n"),
}


def _prompt_file(ending: str) -> Callable[[str, Path], object]:
    return lambda text, _: read_prompt_text(text, Path(f"a{ending}"))


def _template(text: str, folder: Path) -> None:
    expand(text, seed=3, folders=[folder])
    combinations(text, limit=3, folders=[folder])


def _prompt(text: str, _: Path) -> None:
    for grammar in ("default", "a1111"):
        timeline(parse(text, grammar=grammar), 2, blocks=lambda _text: {})
        tag_places(text, grammar=grammar)
        without_tags(text, lambda name: name == "x", grammar=grammar)


READERS: dict[str, tuple[Callable[[str, Path], object], dict[str, Text]]] = {
    "toml": (_prompt_file(".toml"), TOML),
    "txt": (_prompt_file(".txt"), LINES),
    "csv": (_prompt_file(".csv"), CSV),
    "jsonl": (_prompt_file(".jsonl"), JSONL),
    "models": (lambda text, _: read_models_text(text, Path("m.toml"), base=Path("/nowhere")), TOML),
    "mix": (lambda text, _: parse_mix(text.encode(), where="mix.toml"), TOML),
    "template": (_template, TEMPLATES),
    "prompt": (_prompt, PROMPTS),
    "yaml": (lambda text, _: read_yaml(text, where="a.yaml"), YAML),
}
ATTACKS = [(reader, attack) for reader, (_, attacks) in READERS.items() for attack in attacks]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one long wildcard."""
    folder = tmp_path_factory.mktemp("wildcards")
    (folder / "a.txt").write_text("".join(f"line {number}\n" for number in range(20_000)))
    return folder


def seconds(read: Callable[[str, Path], object], text: str, folder: Path) -> float:
    """Return the processor time of reading a text, whether it is taken or refused."""
    gc.collect()
    gc.disable()
    started = time.process_time()
    try:
        read(text, folder)
    except LoraMixerError:
        pass
    finally:
        gc.enable()
    return time.process_time() - started


SIZES = (1_000, 4_000, 16_000)
FLOOR = 0.01  # what is constant, and too short to be told from it


@pytest.mark.parametrize(("reader", "attack"), ATTACKS, ids=[f"{reader}, {attack}" for reader, attack in ATTACKS])
def test_the_time_grows_with_the_text_and_not_with_its_square(reader: str, attack: str, folder: Path) -> None:
    read, attacks = READERS[reader]

    def grown(tries: int) -> tuple[float, float]:
        """Return by how much more than linear the time grew, from small to middle and from middle to large."""
        text = attacks[attack]
        small, middle, large = (min(seconds(read, text(size), folder) for _ in range(tries)) for size in SIZES)
        return (middle - FLOOR) / small, (large - FLOOR) / middle

    assert max(grown(1)) < 9 or max(grown(3)) < 9  # a busy machine's caches are not the reader's


@pytest.mark.parametrize("text", ["1," * 50_000, "9" * 50_000, "1-" * 50_000, "0..1:" + "9" * 50_000, " " * 50_000])
def test_ranges_are_read_or_refused_at_once(text: str) -> None:
    assert seconds(lambda text, _: numbers(text), text, Path()) < 0.5
    assert seconds(lambda text, _: whole_numbers(text), text, Path()) < 0.5


def test_wide_styles_cost_what_they_weigh(tmp_path: Path) -> None:
    def wide(size: int) -> float:
        path = tmp_path / f"{size}.csv"
        path.write_text("name,prompt," + ",".join(map(str, range(size))) + "\n" + "a,b\n" * size)
        return seconds(lambda _text, _: read_styles(path), "", tmp_path)

    small, large = wide(2_000), wide(16_000)
    assert large < 20 * small + 0.01


def test_a_style_that_doubles_its_prompt_is_refused_before_it_fills_the_memory() -> None:
    doubled = [Style(name="x", prompt="{prompt}{prompt}")] * 60
    assert seconds(lambda _text, _: apply_styles("cat", "", doubled), "", Path()) < 1
    with pytest.raises(LoraMixerError, match="characters"):
        apply_styles("cat", "", doubled)


def test_five_thousand_prompts_of_fifty_words_are_a_prompt_file() -> None:
    line = " ".join(f"word{number}" for number in range(50))
    text = "\n".join(f"{line} {number}" for number in range(5_000))
    assert len(text) > 1_600_000
    assert len(read_prompt_text(text, Path("a.txt")).jobs) == 5_000
