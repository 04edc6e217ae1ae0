"""Templates stand for the texts that dynamicprompts, the extension people write them for, makes of them."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from dynamicprompts.enums import SamplingMethod
from dynamicprompts.sampling_context import SamplingContext
from dynamicprompts.wildcards import WildcardManager

from lora_mixer.prompt import combinations, expand

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of pyparsing, at what it calls there
    pytest.mark.filterwarnings("ignore::UserWarning"),  # that it goes through no combinations where it draws
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wildcards")
    files = {"colors-cold": "blue\ncyan", "colors-warm": "red", "a-1": "x\ny", "a-2": "z", "x": "one\ntwo\nthree"}
    for name, lines in files.items():
        (folder / f"{name}.txt").write_text(lines + "\n")
    (folder / "w.yaml").write_text("w:\n  - 2::red\n  - blue\n")
    return folder


def reference(template: str, folder: Path, method: SamplingMethod, count: int) -> list[str]:
    context = SamplingContext(default_sampling_method=method, wildcard_manager=WildcardManager(folder))
    return [str(said) for said in itertools.islice(context.sample_prompts(template, count), count)]


TEMPLATES = (
    "a __colors-{cold|warm}__ cat",
    "${v=1}__a-${v}__",
    "${v={1|2}}__a-${v}__ ${v:3}",
    "{@a|b}",
    "{!a|b} {c|d}",
    "__@x__",
    "__~x__",
    "%{a photo of ..., sharp$$a {cat|dog}}",
    "%{x$$y}",
    "{2$$|$$a|b}",
    "{2$$ and $$a|b|c}",
    "{1-2$$ $$a|b}",
    "__w__",
    "{3::a|b}",
    "${my-v=k}${my-v}",
    "${v?=2}${v}",
    "[a|b] (c:1.2) {d}",
)


@pytest.mark.parametrize("template", [text for text in TEMPLATES if "{d}" not in text])
def test_what_is_drawn_is_what_it_draws(template: str, folder: Path) -> None:
    theirs = {text for _ in range(25) for text in reference(template, folder, SamplingMethod.RANDOM, 4)}
    ours = {expand(template, seed=seed, folders=[folder]) for seed in range(100)}
    assert ours == theirs


def test_braces_around_a_lone_word_stay(folder: Path) -> None:
    assert expand("[a|b] (c:1.2) {d} %{e}", seed=1, folders=[folder]) == "[a|b] (c:1.2) {d} %{e}"


@pytest.mark.parametrize("template", ["{@a|b|c}", "__@x__", "{@red|green|blue} {@square|circle}"])
def test_choices_in_turn_take_turns_as_seeds_count_up(template: str, folder: Path) -> None:
    theirs = reference(template, folder, SamplingMethod.RANDOM, 6)
    assert {expand(template, seed=seed, folders=[folder]) for seed in range(6)} == set(theirs)
    if template == "{@a|b|c}":
        assert [expand(template, seed=seed) for seed in range(6)] == theirs


def test_choices_of_combinations_go_through_all_of_them_as_seeds_count_up(folder: Path) -> None:
    template = "{!a|b} {!c|d|e} {!1-2$$-$$f|g}"
    drawn = [expand(template, seed=seed) for seed in range(18)]
    assert len(set(drawn)) == 18
    assert set(drawn) == set(combinations(template.replace("!", ""), limit=99))


def test_every_text_is_listed(folder: Path) -> None:
    assert combinations("__colors-{cold|warm}__", limit=9, folders=[folder]) == ("blue", "cyan", "red")
    assert combinations("%{<...>$${a|b}}", limit=9) == ("<a>", "<b>")
    assert combinations("{@a|b}{~c|d}", limit=9) == ("ac", "ad", "bc", "bd")
    assert combinations("${v={1|2}}__a-${v}__", limit=9, folders=[folder]) == ("x", "y", "z")
    assert combinations("${v=1}${v?=2}${v}", limit=9) == ("1",)
