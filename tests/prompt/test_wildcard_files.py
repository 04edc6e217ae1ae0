"""Files of wildcards: YAML as dynamicprompts reads it, and none that costs another file its lists."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

import pytest
from dynamicprompts.wildcards import WildcardManager

from lora_mixer.errors import ConfigError, LoraMixerError, PromptError
from lora_mixer.prompt import combinations, expand
from lora_mixer.prompt.yaml_lists import read_yaml

COLLECTION = """\
# a collection as people share them
sea: &sea
  fish:
    - carp   # a fish
    - "eel, \\"long\\""
    - 'it''s'
    - 鯉 {red|gold}
  birds: [gull, 'tern, sooty']
  deep:
    - |
      anglerfish
    - >-
      giant
      squid
one: only
numbers: [1, 2.50, 0x10, yes, 2026-11-25]
list:
- a
- __sea/fish__
empty:
land:
  <<: *sea
  cats: [tabby]
"""


def drawn(template: str, folder: Path, count: int = 300) -> Counter[str]:
    return Counter(expand(template, seed=seed, folders=[folder]) for seed in range(count))


def test_lists_are_those_dynamicprompts_finds(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(COLLECTION, encoding="utf-8")
    reference = WildcardManager(tmp_path)
    lists = read_yaml(COLLECTION, where="x.yaml")
    names = set(reference.get_collection_names())
    assert {name for name in names if not name.startswith("land/")} <= set(lists)
    for name in names - {"numbers"}:  # what is no text there is dropped; here it is the word that was written
        assert sorted(lists[name]) == sorted(text.strip() for text in reference.get_file(name).get_values())
    assert lists["numbers"] == ("1", "2.50", "0x10", "yes", "2026-11-25")
    assert lists["land/fish"] == lists["sea/fish"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c:\n  - 3::red\n  - blue\n", {"red", "blue"}),
        ("c:\n  - {text: red, weight: 3}\n  - {content: blue}\n", {"red", "blue"}),
        ('{"c": ["3::red", "blue"]}', {"red", "blue"}),
    ],
)
def test_items_have_shares(tmp_path: Path, text: str, expected: set[str]) -> None:
    (tmp_path / ("x.json" if text.startswith("{") else "x.yaml")).write_text(text)
    found = drawn("__c__", tmp_path)
    assert set(found) == expected
    assert 0.6 < found["red"] / 300 < 0.9


def test_items_that_yaml_would_take_apart_are_the_text_they_look_like(tmp_path: Path) -> None:
    text = "c:\n  - {red|blue} coat\n  - [sun|moon]\n  - {a|b}\n  - ratio: wide\n  - <lora:x:1>\n"
    assert read_yaml(text, where="x")["c"] == (
        "{red|blue} coat",
        "[sun|moon]",
        "{a|b}",
        "ratio: wide",
        "<lora:x:1>",
    )
    assert read_yaml(text.replace("  - {red|blue} coat\n", ""), where="x")["c"][:3] == (
        "[sun|moon]",
        "{a|b}",
        "ratio: wide",
    )


def test_a_file_that_cannot_be_read_costs_its_own_lists_only(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a:\n  - b\n  c\n")
    (tmp_path / "worse.yml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "good.yaml").write_text("cats: [tabby]\n")
    (tmp_path / "plain.txt").write_text("word\n")
    assert drawn("__cats__ __plain__", tmp_path, 3) == {"tabby word": 3}
    with pytest.raises(ConfigError, match=r"no wildcard __a__ in what can be read.*") as caught:
        expand("__a__", seed=1, folders=[tmp_path])
    assert "bad.yaml:3" in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_nothing_but_regular_files_within_the_folder_is_opened(tmp_path: Path) -> None:
    folder, secret = tmp_path / "wildcards", tmp_path / "secret.txt"
    folder.mkdir()
    secret.write_text("secret\n")
    os.mkfifo(folder / "pipe.txt")
    os.mkfifo(folder / "pipe.yaml")
    (folder / "link.txt").symlink_to(secret)
    (folder / "inner.txt").write_text("word\n")
    (folder / "alias.txt").symlink_to(folder / "inner.txt")
    assert drawn("__alias__", folder, 2) == {"word": 2}
    for name in ("pipe", "link"):
        with pytest.raises(ConfigError, match=name):
            expand(f"__{name}__", seed=1, folders=[folder])


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x]\n" + "".join(f"b{i}: &b{i} {{l: *{'a' if not i else f'b{i - 1}'}, r: *{'a' if not i else f'b{i - 1}'}}}\n" for i in range(40)),
        "a: &a\n  b: *a\n",
        "[" * 5_000,
        "- " * 5_000 + "x",
        "a: *nothing\n",
        "!!python/object/apply:os.system [echo]\n",
    ],
)  # fmt: skip
def test_yaml_bombs_and_tags_are_refused_or_text_in_no_time(text: str) -> None:
    started = time.process_time()
    try:
        lists = read_yaml(text, where="x.yaml")
    except LoraMixerError as error:
        assert "x.yaml" in (error.where or "")  # noqa: PT017
    else:
        assert all("system" not in name for name in lists)
    assert time.process_time() - started < 1


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one\n")
    assert expand("__a__", seed=1, folders=[tmp_path]) == "one"
    path.write_text("three\n")
    assert expand("__a__", seed=1, folders=[tmp_path]) == "three"


@pytest.mark.parametrize("text", ["<lora:style__v2__final:0.7>", "embedding my__v2__final, x"])
def test_underscores_within_a_name_are_its_own_unless_a_wildcard_is_called_so(tmp_path: Path, text: str) -> None:
    assert expand(text, seed=1, folders=[tmp_path]) == text
    assert combinations(text, limit=5, folders=[tmp_path]) == (text,)
    (tmp_path / "v2.txt").write_text("X\n")
    assert expand(text, seed=1, folders=[tmp_path]) == text.replace("__v2__", "X")
    with pytest.raises(PromptError, match="no wildcard __v3__"):
        expand("a __v3__ b", seed=1, folders=[tmp_path])
