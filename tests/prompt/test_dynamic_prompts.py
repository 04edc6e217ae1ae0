"""Templates, wildcards, styles, and embeddings that are named but not there."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer.errors import ConfigError, PromptError, RequestError
from lora_mixer.prompt import Style, apply_styles, combinations, expand, find_missing, named_styles, parse
from lora_mixer.prompt.styles import read_styles

WORDS = st.lists(
    st.sampled_from(
        [
            *"{}|[]$:_*\\ ab12-",
            "$$",
            "{a|b}",
            "{2$$",
            "0.5::",
            "__",
            "{1-2$$ and $$",
            "${a=",
            "${a}",
            "=!",
            "${b:",
            "${b",
        ]
    ),
    max_size=40,
)


def draws(template: str, count: int = 400, **options: object) -> Counter[str]:
    return Counter(expand(template, seed=seed, **options) for seed in range(count))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("a {red|blue} cat", {"a red cat", "a blue cat"}),
        ("{a|{b|c}}", {"a", "b", "c"}),
        ("{2$$a|b|c}", {f"{x}, {y}" for x in "abc" for y in "abc" if x != y}),
        ("{1-2$$ and $$a|b}", {"a", "b", "a and b", "b and a"}),
        ("{2$$ $$a|b}", {"a b", "b a"}),
        ("{-1$$a|b}", {"", "a", "b"}),
        ("{1-$$a|b}", {"a", "b", "a, b", "b, a"}),
        ("{9$$a|b}", {"a, b", "b, a"}),
        ("{a|}", {"a", ""}),
        ("{0::a|b}", {"b"}),
        ("{[a|b]|c}", {"[a|b]", "c"}),
        ("{masterpiece} {", {"{masterpiece} {"}),
        (r"\{a|b\}", {r"\{a|b\}"}),
        ("{<lora:x:0.5>|<lora:y:1>}", {"<lora:x:0.5>", "<lora:y:1>"}),
        ("a | b } c", {"a | b } c"}),
    ],
)
def test_a_template_stands_for_these_texts_and_draws_each_of_them(template: str, expected: set[str]) -> None:
    assert set(draws(template)) == expected


def test_every_text_a_template_stands_for_is_listed_in_order_up_to_the_limit() -> None:
    assert combinations("{a|b} {1|2}", limit=9) == ("a 1", "a 2", "b 1", "b 2")
    assert combinations("{2$$a|b|c}", limit=9) == ("a, b", "a, c", "b, c")
    assert combinations("{1-2$$a|{b|c}}", limit=9) == ("a", "b", "c", "a, b", "a, c")
    assert combinations("{a|b}" * 200, limit=2) == ("a" * 200, "a" * 199 + "b")
    assert combinations("plain", limit=5) == ("plain",)
    assert combinations("", limit=5) == ("",)


def test_shares_bend_the_draw() -> None:
    assert 0.65 < draws("{3::a|b}")["a"] / 400 < 0.85


def test_the_same_seed_draws_the_same() -> None:
    template = "{a|b|c|d} {2$$e|f|g|h|i}"
    assert draws(template, 50) == draws(template, 50)
    assert expand(template, seed=1) == "d f, g"


@given(text=WORDS.map("".join), seed=st.integers(0, 10))
def test_odd_templates_mean_something(text: str, seed: int) -> None:
    expand_or_refuse(text, seed)


def expand_or_refuse(text: str, seed: int) -> None:
    try:
        expand(text, seed=seed)
        combinations(text, limit=10)
    except PromptError as error:
        assert error.remedy  # noqa: PT017


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "colours.txt").write_text("# the warm ones\nred\n\n{light|dark} orange\n")
    (tmp_path / "colours-cold.txt").write_text("blue\n")
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "animals.txt").write_text("\ufeffcat\n")
    (tmp_path / "loop.txt").write_text("x __loop__\n")
    (tmp_path / "cards.yaml").write_text(
        "# comment\nsea:\n  fish:\n    - carp   # a fish\n    - \"eel, \\\"long\\\"\"\n    - 'it''s'\n  birds: [gull, 'tern, sooty']\n"
        "one: only\nlist:\n- a\n- b\n"
    )
    return tmp_path


def test_a_wildcard_draws_a_line_and_lines_are_templates(folder: Path) -> None:
    assert set(draws("a __colours__ one", folders=[folder])) == {"a red one", "a light orange one", "a dark orange one"}
    assert combinations("__colours__", limit=9, folders=[folder]) == ("red", "light orange", "dark orange")
    assert set(draws("__things/animals__", 5, folders=[folder])) == {"cat"}


def test_a_star_takes_several_files_and_a_count_several_lines(folder: Path) -> None:
    assert set(draws("__colours*__", folders=[folder])) == {"red", "light orange", "dark orange", "blue"}
    assert set(draws("{2$$ $$__list__}", folders=[folder])) == {"a b", "b a"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sea/fish", ("carp", 'eel, "long"', "it's")),
        ("sea/birds", ("gull", "tern, sooty")),
        ("one", ("only",)),
        ("list", ("a", "b")),
    ],
)
def test_yaml_wildcards_are_named_by_their_keys(folder: Path, name: str, expected: tuple[str, ...]) -> None:
    assert combinations(f"__{name}__", limit=9, folders=[folder]) == expected


def test_a_yaml_list_without_a_key_is_named_like_its_file(tmp_path: Path) -> None:
    (tmp_path / "plain.yaml").write_text("- a\n- b\n")
    assert combinations("__plain__", limit=9, folders=[tmp_path]) == ("a", "b")


def test_an_unknown_wildcard_is_refused_with_the_nearest_name(folder: Path) -> None:
    with pytest.raises(PromptError, match="Did you mean __colours__") as caught:
        expand("a __colors__", seed=1, folders=[folder])
    assert caught.value.position == 2


def test_a_wildcard_that_leads_to_itself_is_refused(folder: Path) -> None:
    for call in (
        lambda: expand("__loop__", seed=1, folders=[folder]),
        lambda: combinations("__loop__", limit=1, folders=[folder]),
    ):
        with pytest.raises(PromptError, match="leads back to itself"):
            call()


def test_no_wildcard_reaches_outside_its_folders(folder: Path) -> None:
    with pytest.raises(PromptError, match="no wildcard"):
        expand("__a/../../colours__", seed=1, folders=[folder / "things"])
    assert expand("__../colours__", seed=1, folders=[folder / "things"]) == "__../colours__"


def test_templates_that_would_never_end_are_refused_soon(tmp_path: Path) -> None:
    (tmp_path / "wide.txt").write_text("__next__" * 50)
    (tmp_path / "next.txt").write_text("__last__" * 50)
    (tmp_path / "last.txt").write_text("__end__" * 50)
    (tmp_path / "end.txt").write_text("x")
    started = time.process_time()
    with pytest.raises(PromptError, match="replaces more than"):
        expand("__wide__", seed=1, folders=[tmp_path])
    with pytest.raises(PromptError, match="nested too deep"):
        expand("{a|" * 100, seed=1)
    assert time.process_time() - started < 5


def test_a_broken_wildcard_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a:\n  - b\n  c\n")
    with pytest.raises(ConfigError, match=r"bad.yaml:3"):
        expand("__a__", seed=1, folders=[tmp_path])
    (tmp_path / "bad.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        expand("__a__", seed=1, folders=[tmp_path])


def test_styles_are_read_and_applied_in_order(tmp_path: Path) -> None:
    path = tmp_path / "styles.csv"
    path.write_text('\ufeffname,prompt,negative_prompt\nink,"ink drawing of {prompt}, ""fine""",photo\nblue,blue,\n')
    styles = read_styles(path)
    assert styles["ink"] == Style(name="ink", prompt='ink drawing of {prompt}, "fine"', negative="photo")
    both = apply_styles("cat", "bad", [styles["ink"], styles["blue"]])
    assert both == ('ink drawing of cat, "fine", blue', "bad, photo")
    path.write_text("name,text\nold,words\n")
    assert read_styles(path)["old"].prompt == "words"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match="no column"):
        read_styles(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_styles(tmp_path / "none.csv")


def missing(text: str, *known: str) -> list[tuple[str, str | None]]:
    return [(one.name, one.nearest) for one in find_missing(parse(text, negative=True), known)]


def test_the_articles_missing_embeddings_are_named_with_the_nearest_there_is() -> None:
    text = "(bad hands), EasyNegativeV2, ng_deepnegative_v1_75t, pregnancy, badhandv4, six fingers, bad face,"
    assert missing(text) == [("EasyNegativeV2", None), ("ng_deepnegative_v1_75t", None), ("badhandv4", None)]
    assert missing(text, "EasyNegative", "badhandv5", "badpic") == [
        ("EasyNegativeV2", "EasyNegative"),
        ("ng_deepnegative_v1_75t", "EasyNegative"),
        ("badhandv4", "badhandv5"),
    ]
    assert missing(text, "easynegativev2", "NG_DeepNegative_V1_75T", "BadHandV4") == []


def test_a_missing_embedding_is_found_where_it_stands() -> None:
    text = "a, (badhandv4:1.2), embedding:foo"
    assert [text[one.at :].split(")")[0].split(":")[0] for one in find_missing(parse(text), [])] == ["badhandv4", "foo"]


@pytest.mark.parametrize(
    "text",
    [
        "1girl, 2boys, long_hair, off_shoulders, 8k, uhd, mk2, tv4, negative space, non-negative, NSFW, f1.8, 35mm, r2d2",
        "masterpiece, best quality, score_9, score_8_up, rating_safe, sd15, c3po, h2o, ISO100, 4k_uhd, glow_in_the_dark",
        "<lora:badhandv4:1>",
    ],
)
def test_ordinary_words_raise_no_alarm(text: str) -> None:
    assert missing(text, "badpic", "EasyNegative") == []


def test_styles_are_found_by_name_in_the_first_file_that_has_them_and_a_typo_is_told(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("name,prompt\nink,ink drawing\n")
    second.write_text("name,prompt\nink,other\noil,oil painting\n")
    found = named_styles(["oil", "ink"], [tmp_path / "none.csv", first, second])
    assert [style.prompt for style in found] == ["oil painting", "ink drawing"]
    assert named_styles([], [first]) == ()
    with pytest.raises(RequestError, match="Did you mean ink"):
        named_styles(["inc"], [first])
