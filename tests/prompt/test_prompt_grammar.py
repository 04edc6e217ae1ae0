"""Tags, AND, the A1111 dialect, and the laws that hold for any text at all."""

from __future__ import annotations

import itertools
import sys
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lora_mixer.errors import PromptError, RequestError
from lora_mixer.mixes import Curve, ElementWeight, Strength
from lora_mixer.prompt import (
    GRAMMARS,
    Break,
    Keyframes,
    LoraTag,
    Prompt,
    Text,
    Weighted,
    Words,
    parse,
    timeline,
    unparse,
)
from lora_mixer.prompt.timeline import walk

ARTICLE = Path(__file__).parents[2] / "prompts" / "article.toml"
SHARDS = st.sampled_from(
    [
        *"()[]:|\\ ,#<>\n",
        "a",
        "b",
        "BREAK",
        " BREAK ",
        "AND",
        " AND ",
        ":1.2",
        ":5",
        ":0.5",
        "<lora:x:0.5>",
        "<lora:y:1@0,0.5@1>",
        "<lyco:z:1:0.5:lbw=ALL:start=2>",
        "<lora:x:1:lbwe=IN05:attn:0.5>",
        "(",
        ")",
        "[",
        "]",
        "\\(",
        "16:9",
        "[a:b:3]",
        "(c:1.3)",
        "[d|e]",
        "[:0.9:1]",
    ]
)
HALF = ElementWeight(weight=0.5)
ODD = st.one_of(st.lists(SHARDS, max_size=25).map("".join), st.text(max_size=60))


def read(text: str, **options: object) -> Prompt | None:
    """Return the prompt, or None if a number or tag in it is wrong."""
    try:
        return parse(text, **options)
    except PromptError:
        return None


@settings(max_examples=150, deadline=None)
@example(text=r"[\<lora::0.5]")
@example(text=r"(\<lora :1.2)")
@given(text=ODD)
def test_what_is_unparsed_parses_to_the_same(text: str) -> None:
    for negative in (False, True):
        prompt = read(text, negative=negative)
        if prompt is not None:
            assert parse(unparse(prompt), negative=negative) == prompt


@settings(max_examples=100, deadline=None)
@given(text=ODD, grammar=st.sampled_from([row.name for row in GRAMMARS]), steps=st.integers(1, 30))
def test_any_text_means_something_at_every_step(text: str, grammar: str, steps: int) -> None:
    prompt = read(text, grammar=grammar)
    if prompt is None:
        return
    spans = timeline(prompt, steps, blocks=lambda _text: {}, elements=lambda _text: ())
    assert spans[0].start == 0
    assert spans[-1].stop == steps
    assert all(a.stop == b.start for a, b in itertools.pairwise(spans))
    assert all((a.parts, a.loras) != (b.parts, b.loras) for a, b in itertools.pairwise(spans))


@settings(max_examples=100, deadline=None)
@given(text=ODD)
def test_nodes_stand_where_they_say(text: str) -> None:
    prompt = read(text)
    if prompt is None:
        return
    for clause in prompt.clauses:
        for node in walk(clause.children):
            if isinstance(node, LoraTag):
                assert text[node.at] == "<"
            elif isinstance(node, Break):
                assert text.startswith("BREAK", node.at)
            elif isinstance(node, Weighted):
                assert text[node.at] in "(["
            else:
                assert 0 <= node.at <= len(text)


@pytest.mark.parametrize(
    "text", ["(", "[", "()", "([", "((((a))))", "a AND ", "[a|", "<a:", ":1 ", "(1.1.", "\\", "#", "<lora:a>"]
)
@pytest.mark.parametrize("grammar", [row.name for row in GRAMMARS])
def test_the_time_it_takes_grows_with_the_text_and_not_with_its_square(text: str, grammar: str) -> None:
    def seconds(size: int) -> float:
        started = time.process_time()
        read(text * (size // len(text)), grammar=grammar)
        return time.process_time() - started

    small = min(seconds(1_000) for _ in range(3))
    large = min(seconds(32_000) for _ in range(3))  # the least of three: a garbage collection is not the parser's time
    assert large < 200 * small + 0.3  # the square would take 1,000 times as long


def test_brackets_nested_beyond_all_sense_are_text_and_never_exhaust_the_stack() -> None:
    depth = sys.getrecursionlimit() * 10
    prompt = parse("(" * depth + "a" + ")" * depth)
    (span,) = timeline(prompt, 1)
    assert sum(piece.text.count("(") for piece in span.parts[0].text if isinstance(piece, Words)) == depth - 100
    assert parse(unparse(prompt)) == prompt


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("<lora:x>", Strength(1.0)),
        ("<lora:x:0.5>", Strength(0.5)),
        ("<lyco:x:0.5>", Strength(0.5)),
        ("<lora:x:0.5:0.8>", Strength(0.8, text=0.5)),
        ("<lora:x:unet=0.8>", Strength(0.8, text=1.0)),
        ("<lora:x:0.1:0.2:te=0.3:unet=0.4>", Strength(0.4, text=0.3)),
        ("<lora:x:-1>", Strength(-1.0)),
        ("<lora: x :1>", Strength(1.0)),
        ("<lora:x:1:0@0,1@1>", Strength(1.0, curve=Curve(points=((0.0, 0.0), (1.0, 1.0))))),
        ("<lora:x:1:0~0;1~9>", Strength(1.0, curve=Curve(points=((0.0, 0.0), (1.0, 1.0))))),
        ("<lora:x:0@0,1@1>", Strength(1.0, text=0.0, curve=Curve(points=((0.0, 0.0), (1.0, 1.0))))),
        ("<lora:x:1:lbw=ALL>", Strength(blocks={"read": len("ALL")})),
        ("<lora:x:1:lbw=1,0,0.5>", Strength(blocks={"read": len("1,0,0.5")})),
        ("<lora:x:1:hr=0.2>", Strength(1.0)),
        ("<loractl:x:0.5>", Strength(0.5)),
        ("<lora:x:1:INALL>", Strength(blocks={"read": len("INALL")})),
        ("<lora:x:0.5:1,0,0.5>", Strength(0.5, blocks={"read": len("1,0,0.5")})),
        ("<lora:x:0.5:0.8:lbw=ALL>", Strength(0.8, text=0.5, blocks={"read": len("ALL")})),
    ],
)
def test_a_lora_tag_says_a_strength(tag: str, expected: Strength) -> None:
    (span,) = timeline(parse(f"a {tag} b"), 10, blocks=lambda text: {"read": len(text)})
    assert [(use.name, use.strength) for use in span.loras] == [("x", expected)]
    assert span.parts[0].text == (Words(text="a  b"),)


def test_start_and_stop_are_the_first_and_the_last_step_of_a_lora() -> None:
    for tag in ("<lora:x:1:start=3:stop=5>", "<lora:x:1:step=3-5>"):
        assert [(s.start, s.stop) for s in timeline(parse(tag), 10) if s.loras] == [(2, 5)]
    assert [(s.start, s.stop) for s in timeline(parse("<lora:x:1:step=4>"), 10) if s.loras] == [(3, 4)]


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("a <lora:x:abc>", 10, "not a number"),
        ("a <lora:x:>", 10, "not a number"),
        ("<lora:x:1:uent=2>", 10, "Did you mean unet="),
        ("<lora::1>", 0, "no name"),
        ("<lora:x:1:2:3:4>", 14, "too many"),
        ("<lora:x:1e9>", 8, "too large"),
        ("<lora:x:1:lbw=>", 14, "empty"),
        ("<lora:x:1:start=5:stop=2>", 16, "before it starts"),
        ("<lora:x:1:start=a>", 16, "not a count"),
        ("<lora:x:1@-1>", 8, "before the first step"),
        ("ab <lora:x:1", 3, "never ends"),
        ("<lroa:x:1>", 0, "Did you mean <lora:"),
        ("<hypernet:x:1>", 0, "no tag"),
        ("(a:1.1.1)", 2, "not a weight"),
        ("(a:99999999)", 2, "too large"),
        ("[a:b:0,5]", 5, "not a moment"),
    ],
)
def test_a_wrong_tag_or_number_is_refused_with_its_place(text: str, at: int, says: str) -> None:
    with pytest.raises(PromptError, match=says) as caught:
        parse(text)
    assert caught.value.position == at
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("<lora:x:1:lbwe=ATTNDEEPOFF:start=2>", "ATTNDEEPOFF"),
        ("<lora:x:1:IN02:ATTNDEEPOFF>", "ATTNDEEPOFF"),
        ("<lora:x:1:lbwe=IN05-OUT05/attn/0.5,MID/proj ff/0>", "IN05-OUT05/attn/0.5,MID/proj ff/0"),
        ("<lora:x:1:lbwe=IN05-OUT05:attn:0.5:start=2>", "IN05-OUT05:attn:0.5"),
        ("<lora:x:1:lbwe=MID:NOT attn:0.5,::1:dyn=4>", "MID:NOT attn:0.5,::1"),
        ("<lora:x:lbwe=ATTNDEEPOFF:0.5>", "ATTNDEEPOFF"),
    ],
)
def test_elements_of_a_tag_reach_their_reader_as_they_are_written(written: str, text: str) -> None:
    read: list[str] = []
    prompt = parse(written)
    assert parse(unparse(prompt)) == prompt
    (*_, span) = timeline(prompt, 10, blocks=lambda _text: {}, elements=lambda given: read.append(given) or (HALF,))
    assert span.loras[0].strength.elements == (HALF,)
    assert set(read) == {text}


def test_element_weights_without_a_reader_are_refused() -> None:
    with pytest.raises(PromptError, match="element weights"):
        timeline(parse("<lora:x:1:lbwe=ATTNDEEPOFF>"), 10)


def test_block_weights_without_a_reader_are_refused() -> None:
    with pytest.raises(PromptError, match="block weights"):
        timeline(parse("<lora:x:1:lbw=ALL>"), 10)


def test_tags_in_a_negative_prompt_act_on_the_negative_half_only() -> None:
    (span,) = timeline(parse("bad AND <lora:x:0.5>", negative=True), 10)
    assert span.loras[0].strength == Strength(0.5, negative=True)
    assert span.parts[0].text == (Words(text="bad AND "),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a AND b", [("a", 1.0), ("b", 1.0)]),
        ("a :0.5 AND b:-1.2", [("a", 0.5), ("b", -1.2)]),
        ("a:0.5 <lora:x:1> AND b", [("a", 0.5), ("b", 1.0)]),
        ("16:9 AND b", [("16", 9.0), ("b", 1.0)]),
        (r"16\:9 AND b", [("16:9", 1.0), ("b", 1.0)]),
        ("(a AND b) c", [("a AND b c", 1.0)]),
        ("a AND b :0.5 # note", [("a", 1.0), ("b", 0.5)]),
        ("a :0.5 # one: two\n<lora:x:1> # three\nAND b", [("a \n", 0.5), ("b", 1.0)]),
        (":(a AND b", [(":a ", 1.0), ("b", 1.0)]),
        ("ANDROID AND b", [("ANDROID", 1.0), ("b", 1.0)]),
    ],
)
def test_and_splits_where_it_stands_and_weighs_each_side(text: str, expected: list[tuple[str, float]]) -> None:
    (span,) = timeline(parse(text), 10)
    said = [("".join(p.text for p in part.text if isinstance(p, Words)), part.weight) for part in span.parts]
    assert said == expected


def text_of(text: str, step: int = 0) -> list[tuple[str, float]]:
    span = next(span for span in timeline(parse(text, grammar="a1111"), 10) if span.start <= step < span.stop)
    return [(p.text, round(p.weight, 4)) for p in span.parts[0].text if isinstance(p, Words)]


def test_the_a1111_grammar_takes_a_trailing_number_for_a_weight_even_without_and() -> None:
    assert [clause.weight for text in ("16:9", "a :3", "a") for clause in parse(text, grammar="a1111").clauses] == [
        9,
        3,
        1,
    ]


def test_the_a1111_grammar_makes_break_in_brackets_a_word_of_negative_weight() -> None:
    assert text_of("(a BREAK b:1.2)") == [("a ", 1.2), ("BREAK", -1.2), ("b", 1.2)]


@pytest.mark.parametrize("text", ["(a:.)", "(a:1.1.1)"])
def test_the_a1111_grammar_dies_of_a_weight_that_is_no_number(text: str) -> None:
    with pytest.raises(PromptError, match="not a weight"):
        parse(text, grammar="a1111")


@pytest.mark.parametrize("flaw", ["[a:b|c:0.5]", "(p|q)", "p|q", "[p|q", "[p|(q]", "\\"])
def test_one_flaw_makes_every_schedule_literal_in_the_a1111_grammar_only(flaw: str) -> None:
    assert text_of(f"[x:y:2] {flaw}")[0] == ("x:y:2", 0.9091)
    (words, *_) = timeline(parse(f"[x:y:2] {flaw}"), 10)[0].parts[0].text
    assert words.text.startswith("x")
    assert not words.text.startswith("x:")


def test_a_sound_schedule_is_one_in_the_a1111_grammar() -> None:
    for text in ("[x:y:2] ( [", "([x:y:2])", "[[x|x]:y:2]", "[(x:1.0):y:2]"):
        assert text_of(text, 0)[0][0].startswith("x")
        assert text_of(text, 5)[0][0].startswith("y")
    assert text_of("[(a:b:c):y:2]", 0)[0] == ("a:b:c", 1.0)


def test_the_a1111_grammar_takes_tags_out_before_it_reads_schedules() -> None:
    (span,) = timeline(parse("[<lora:x:1>::0.5] <hypernet:y:1>", grammar="a1111"), 10)
    assert [use.name for use in span.loras] == ["x"]
    assert parse("<lora:x:1>", grammar="a1111", negative=True).clauses[0].children == (Text(text="<lora:x:1>"),)


def test_an_unknown_grammar_is_refused_with_those_there_are() -> None:
    with pytest.raises(RequestError, match="default, a1111"):
        parse("a", grammar="b2222")


def test_a_weight_may_be_scheduled() -> None:
    spans = timeline(parse("(a:[1:1.5:4]) (b:[0.5|2])"), 10)
    weights = [{p.text.strip(): p.weight for p in span.parts[0].text if isinstance(p, Words)} for span in spans]
    assert [w.get("b") for w in weights] == [0.5, 2.0] * 5
    assert {w["a"] for w in weights[4:]} == {1.5}


def test_positions_do_not_count_in_comparisons() -> None:
    assert Text(text="a", at=1) == Text(text="a", at=2)
    assert hash(Keyframes(points=((0.0, 1.0),), fraction=True))


def test_the_articles_prompt_weighs_as_it_is_written() -> None:
    defaults = tomllib.loads(ARTICLE.read_text(encoding="utf-8"))["defaults"]
    (span,) = timeline(parse(defaults["prompt"]), 20)
    weighed = [(p.text, round(p.weight, 4)) for p in span.parts[0].text if isinstance(p, Words)]
    assert "".join(text for text, _ in weighed) == ARTICLE_TEXT
    assert [pair for pair in weighed if pair[1] != 1.0] == ARTICLE_WEIGHTS
    (negative,) = timeline(parse(defaults["negative"], negative=True), 20)
    weighed = [(p.text, round(p.weight, 4)) for p in negative.parts[0].text if isinstance(p, Words) and p.weight != 1.0]
    assert weighed == [
        ("worst quality", 1.331),
        ("low quality", 1.331),
        ("normal quality", 1.331),
        ("bad hands", 1.21),
        ("Many arms", 1.1),
    ]


ARTICLE_TEXT = (
    "//quality, masterpiece, detailed, ,best quality,,//,cute,1girl,//,brown cat ears,animal ear fluff,light_brown hair,"
    "red hair,red inner hair, straight bangs,,long_hair,single braid ,Ahoge,detailed eyes,blue_eyes,medium chest,//, "
    "yellow hairpin,crescent-shaped hairpin,off_shoulders,large red ribbon,idol costume,thigh strap,frilled skirt,gloves,"
    "//,blush,smiling,upper_teeth,looking_down,//,hand_up,holding microphone,standing on stage,//,indoors,crowd of "
    "audience,Glow stick,scenery,colorful light particles,colorful lights,laser light,glow_in_the_dark,cowboy_shot,"
    "dynamic angle"
)
ARTICLE_WEIGHTS = [
    ("masterpiece", 1.3),
    ("detailed", 1.1),
    (",best quality,", 1.21),
    ("light_brown hair", 1.3),
    ("red hair", 1.1),
    ("red inner hair", 1.4),
    ("straight bangs", 1.4),
    (",long_hair,single braid ", 1.4),
    ("Ahoge", 1.1),
    ("detailed eyes,blue_eyes", 1.4),
    ("yellow hairpin,crescent-shaped hairpin", 1.4),
    ("idol costume", 1.4),
    ("holding microphone", 1.3),
    ("standing on stage", 1.1),
    ("colorful lights", 1.3),
    ("laser light", 1.4),
]
