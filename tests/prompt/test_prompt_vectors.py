"""The reference's vectors: what each piece of text weighs, and what is said at each step."""

from __future__ import annotations

import pytest

from lora_mixer.mixes import Curve, Strength
from lora_mixer.prompt import Break, Span, Words, parse, timeline, unparse


def weights(text: str, **options: str) -> list[tuple[str, float]]:
    span = timeline(parse(text, **options), 10)[0]
    return [
        ("BREAK", 0.0) if isinstance(piece, Break) else (piece.text, pytest.approx(piece.weight, rel=1e-4))
        for piece in span.parts[0].text
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("((a))", [("a", 1.21)]),
        ("((a:1.2):1.5)", [("a", 1.8)]),
        ("(a:-0.5)", [("a", -0.5)]),
        ("(a: 1.1 )", [("a", 1.1)]),
        ("(a:1.2", [("a:1.2", 1.1)]),
        ("a:1.2)", [("a:1.2)", 1.0)]),
        ("(a:1.2, b)", [("a:1.2, b", 1.1)]),
        ("(a:1.2:1.3)", [("a:1.2", 1.3)]),
        ("[[a]]", [("a", 0.82645)]),
        ("a [b (c:0.5)] d", [("a ", 1.0), ("b ", 0.90909), ("c", 0.4545454), (" d", 1.0)]),
        ("(a [b) c]", [("a ", 1.1), ("b", 1.0), (" c", 0.90909)]),
        ("[a (b] c:1.2)", [("a ", 0.90909), ("b", 1.0909), (" c", 1.2)]),
        ("[a ((b] c:2) d:3)", [("a ", 0.90909), ("b", 5.4545), (" c", 6.0), (" d", 3.0)]),
        (r"\(a\) \[b\] \\ \x", [("(a) [b] \\ x", 1.0)]),
        ("(a:.)", [("a:.", 1.1)]),
        ("(a BREAK b:1.2)", [("a", 1.2), ("BREAK", 0.0), ("b", 1.2)]),
        ("BREAKFAST aBREAK", [("BREAKFAST aBREAK", 1.0)]),
        ("a # said to no one\nb", [("a \nb", 1.0)]),
        ("//quality,//", [("//quality,//", 1.0)]),
        ("16:9, a cat :3", [("16:9, a cat :3", 1.0)]),
    ],
)
def test_emphasis_weighs_as_the_reference_says(text: str, expected: list[tuple[str, float]]) -> None:
    assert weights(text) == expected


def said(text: str, steps: int) -> list[str]:
    """Return the text of every step."""
    spans = timeline(parse(text), steps)
    return [_text(span) for span in spans for _ in range(span.start, span.stop)]


def _text(span: Span) -> str:
    return "".join(piece.text for piece in span.parts[0].text if isinstance(piece, Words))


@pytest.mark.parametrize("steps", [10, 20])
@pytest.mark.parametrize(
    ("text", "first", "until", "then"),
    [
        ("[a:b:0.5]", "a", lambda n: n // 2, "b"),
        ("[a:b:4]", "a", lambda n: 4, "b"),
        ("[a:b: 4 ]", "a", lambda n: 4, "b"),
        ("[a:4]", "", lambda n: 4, "a"),
        ("[a::4]", "a", lambda n: 4, ""),
        ("[a:b:1]", "a", lambda n: 1, "b"),
        ("[a:b:1.0]", "a", lambda n: n, "b"),
        ("[a:b:0]", "a", lambda n: 0, "b"),
        ("[a:b:-3]", "a", lambda n: 0, "b"),
        ("[a:b:99]", "a", lambda n: n, "b"),
        ("[a:b:1e1]", "a", lambda n: 10, "b"),
        ("[a:b:0.25]", "a", lambda n: n // 4, "b"),
    ],
)
def test_a_switch_happens_after_its_step(text, first, until, then, steps) -> None:
    assert said(text, steps) == [first] * until(steps) + [then] * (steps - until(steps))


@pytest.mark.parametrize("steps", [10, 20])
def test_alternation_takes_turns_and_nests(steps: int) -> None:
    assert said("[a|b|c]", steps) == [("a", "b", "c")[i % 3] for i in range(steps)]
    assert said("[fe|]male", steps) == [("female", "male")[i % 2] for i in range(steps)]
    assert said("[[a|b]:c:4]", steps) == [("a", "b")[i % 2] for i in range(4)] + ["c"] * (steps - 4)


def test_neighbouring_steps_that_say_the_same_are_one_span() -> None:
    assert len(timeline(parse("[a|a]"), 10)) == 1
    assert [(s.start, s.stop) for s in timeline(parse("[a:b:3] [c:d:7]"), 10)] == [(0, 3), (3, 7), (7, 10)]


def test_a_tag_in_a_schedule_schedules_its_lora() -> None:
    spans = timeline(parse("cat [<lora:x:0.8>::0.5]"), 10)
    assert [(s.start, s.stop, [(u.name, u.strength.denoiser) for u in s.loras]) for s in spans] == [
        (0, 5, [("x", 0.8)]),
        (5, 10, []),
    ]


SECOND = [
    ("<lora:x:0.2:hr=1.0>", (0.2, 0.2), (1.0, 1.0)),
    ("<lora:x:0.2:hrunet=1.0>", (0.2, 0.2), (0.2, 1.0)),
    ("<lora:x:0.2:0.4:hrte=0.6>", (0.2, 0.4), (0.6, 0.4)),
    ("<lora:x:0.2:hr=0.5:hrte=0.9>", (0.2, 0.2), (0.9, 0.5)),
]


@pytest.mark.parametrize(("tag", "first", "second"), SECOND)
def test_a_tag_says_strengths_of_its_own_for_the_second_pass(tag, first, second) -> None:
    for done, (te, unet) in ((0, first), (20, second)):
        (span,) = timeline(parse(tag), 10, done=done)
        assert (span.loras[0].strength.of("te1"), span.loras[0].strength.denoiser) == (te, unet)
    assert parse(unparse(parse(tag))) == parse(tag)


def test_strengths_over_the_steps_of_the_second_pass_are_over_its_own_steps() -> None:
    tag = parse("<lora:x:0@0,1@1:hr=1@0,0@1>")
    (span,) = timeline(tag, 10, done=20)
    assert span.loras[0].strength.curve == Curve(points=((0.0, 1.0), (1.0, 0.0)))
    (held,) = timeline(parse("<lora:x:0@0,0.5@1>"), 10, done=20)
    assert held.loras[0].strength == Strength(0.5, text=0.0)


def of_a1111(text: str, steps: int, **options: int) -> list[str]:
    spans = timeline(parse(text, grammar="a1111"), steps, **options)
    return [_text(span) for span in spans for _ in range(span.start, span.stop)]


def reference(text: str, steps: int, calls: int, offset: int = 0) -> list[str]:
    """Return what A1111 says at the first call of each step: parts end at a step, the first that ends late enough wins."""
    total = steps * calls
    parts = [(end, _schedule(text, end, total, offset * calls)) for end in range(1, total + 1)]
    return [next(said for end, said in parts if call <= end) for call in range(0, total, calls)]


def _schedule(text: str, step: int, total: int, offset: int) -> str:
    inside = text.strip("[]")
    if "|" in inside:
        options = inside.split("|")
        return options[(step - 1) % len(options)]
    before, after, when = inside.split(":")
    base = 1.0 if offset else 0.0
    moment = min(total, int((float(when) - base) * total if "." in when else float(when) - offset))
    return before if step <= moment else after


@pytest.mark.parametrize("text", ["[a:b:5]", "[a:b:1]", "[a:b:0]", "[a:b:0.5]", "[a:b:0.26]", "[a:b:99]", "[a|b|c]"])
@pytest.mark.parametrize("calls", [1, 2])
@pytest.mark.parametrize("done", [0, 3])
def test_the_a1111_grammar_counts_calls_from_zero(text: str, calls: int, done: int) -> None:
    for steps in (7, 20):
        assert of_a1111(text, steps, calls=calls, done=done) == reference(text, steps, calls, done)


@pytest.mark.parametrize(
    ("text", "default", "a1111"),
    [
        (r"(a\:1.2)", [("a:1.2", 1.1)], [("a", 1.2)]),
        (r"a\: b", [("a: b", 1.0)], [("a: b", 1.0)]),
        ("a\\#b\nc", [("a#b\nc", 1.0)], [("a\nc", 1.0)]),
        (r"\<lora:x:1>a", [("<lora:x:1>a", 1.0)], [("a", 1.0)]),
        (r"a \BREAK b", [("a BREAK b", 1.0)], [("a", 1.0), ("BREAK", 0.0), ("b", 1.0)]),
        (r"\(a\) \\ \x", [("(a) \\ x", 1.0)], [("(a) \\ x", 1.0)]),
    ],
)
def test_a_backslash_makes_less_plain_in_the_a1111_grammar(text, default, a1111) -> None:
    assert weights(text) == default
    assert weights(text, grammar="a1111") == a1111
