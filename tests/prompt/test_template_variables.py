"""Variables of templates, and block weights that are drawn."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lora_mixer.errors import PromptError
from lora_mixer.prompt import combinations, expand, parse


def draws(template: str, **options: object) -> Counter[str]:
    return Counter(expand(template, seed=seed, **options) for seed in range(200))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("${v=a}${v}", {"a"}),
        ("${v=!{a|b}}${v}${v}", {"aa", "bb"}),
        ("${v={c|d}}${v}${v}", {"cc", "cd", "dc", "dd"}),
        ("${v = ! {a|b}}${ v }", {" a", " b"}),
        ("${v:{a|b}}", {"a", "b"}),
        ("${v=c}${v:{a|b}}", {"c"}),
        ("${v=a}${v}${v=b}${v}", {"ab"}),
        ("${v=a|b}${v}", {"a|b"}),
        ("${a=x${b}}${b=1}${a}${b=2}${a}", {"x1x2"}),
        ("${n=2}{2$$${n}|b}", {"2, b", "b, 2"}),
        ("{${v=!{a|b}}${v}${v}|c}", {"aa", "bb", "c"}),
        ("${v=a ${v}", {"${v=a b"}),
        ("$ {a} $5", {"$ {a} $5"}),
        (r"\${v}", {r"\${v}"}),
    ],
)
def test_a_variable_stands_for_its_value(template: str, expected: set[str]) -> None:
    template = template if "${v=a ${v}" not in template else "${v=b}" + template
    assert set(draws(template)) == expected


def test_combinations_go_through_the_values_of_variables() -> None:
    assert combinations("${v=!{a|b}}${v}${v}", limit=9) == ("aa", "bb")
    assert combinations("${v={c|d}}${v}${v}", limit=9) == ("cc", "cd", "dc", "dd")
    assert combinations("{${v=x}|${v=y}}${v}", limit=9) == ("x", "y")
    assert combinations("${v:d}{1|2}", limit=9) == ("d1", "d2")


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("${v}", "is not set"),
        ("a ${v} ${v=1}", "is not set"),
        ("${v=${v}}${v}", "leads back to itself"),
        ("${a=${b}}${b=${a}}${a}", "leads back to itself"),
        (
            "${a=xx}"
            + "".join(
                f"${{{new}=${{{old}}}${{{old}}}}}"
                for old, new in zip("abcdefghijklmno", "bcdefghijklmnop", strict=True)
            )
            + "${p}",
            "replaces more",
        ),
    ],
)
def test_a_variable_that_stands_for_nothing_or_for_itself_is_refused(template: str, says: str) -> None:
    for read in (lambda: expand(template, seed=1), lambda: combinations(template, limit=2)):
        with pytest.raises(PromptError, match=says) as caught:
            read()
        assert caught.value.remedy


def test_a_wildcard_takes_variables_that_hold_inside_it_only(tmp_path: Path) -> None:
    (tmp_path / "clothes.txt").write_text("in ${season} a ${what:coat}\n")
    read = {"folders": [tmp_path]}
    assert expand("__clothes(season=winter, what=hat)__", seed=1, **read) == "in winter a hat"
    assert expand("${season=!{spring|spring}}__clothes__", seed=1, **read) == "in spring a coat"
    assert combinations("${season=may}__clothes(what=cap)__", limit=3, **read) == ("in may a cap",)
    with pytest.raises(PromptError, match="not set"):
        expand("__clothes(season=winter)__ ${season}", seed=1, **read)
    with pytest.raises(PromptError, match="sets no variable"):
        expand("__clothes(winter)__", seed=1, **read)


def weights(text: str, seed: int = 1) -> list[float]:
    (tag,) = parse(expand(text, seed=seed)).clauses[0].children
    return [float(value) for value in tag.blocks_text.split(",")]


def test_random_block_weights_become_numbers_that_the_seed_decides() -> None:
    text = "<lora:x:1:lbw=1,R,U,R,0.5>"
    drawn = [weights(text, seed) for seed in range(300)]
    assert drawn == [weights(text, seed) for seed in range(300)]
    assert {(first, last) for first, *_, last in drawn} == {(1.0, 0.5)}
    assert len({tuple(row) for row in drawn}) == 300
    within_one = [row[1] for row in drawn] + [row[3] for row in drawn]
    assert min(within_one) >= 0
    assert max(within_one) <= 1
    assert max(within_one) > 0.9
    wider = [row[2] for row in drawn]
    assert -0.5 <= min(wider) < -0.4
    assert 1.4 < max(wider) <= 1.5


def test_a_prompt_whose_block_weights_were_drawn_draws_nothing_any_more() -> None:
    once = expand("a <lora:x:1:lbw=R,U,X:x=0.3> <lyco:y:1: lbw = R,R>", seed=3)
    assert "R" not in once
    assert "U" not in once
    assert expand(once, seed=4) == once


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("lbw=X,0,X-0.25,X+0.5:x=0.5", [0.5, 0.0, 0.25, 1.0]),
        ("x=2:lbw=X,1", [2.0, 1.0]),
        ("lbw=X,X-1", [1.0, 0.0]),
    ],
)
def test_an_x_among_block_weights_is_what_the_tag_says_x_is(given: str, expected: list[float]) -> None:
    assert weights(f"<lora:x:1:{given}>") == expected


@pytest.mark.parametrize("text", ["<lora:x:1:lbw=X,1:x=much>", "<lora:x:1:lbw=X+1.1.1,1>"])
def test_an_x_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(PromptError, match="varies no block weight"):
        expand(text, seed=1)


@pytest.mark.parametrize("text", ["R,U,X", "lbw=R,U", "<lora:R,U>", "<lora:x:1:lbw=ALL>", r"\<lora:x:1:lbw=R,R>"])
def test_only_block_weights_of_tags_are_drawn(text: str) -> None:
    assert expand(text, seed=1) == text
