"""Prompt and strips are two views of one mix."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer import Curve, LoraUse, Rectangle, RenderRequest, Strength
from lora_mixer.errors import PromptError, RequestError
from lora_mixer.families import SD1
from lora_mixer.prompt import parse, timeline
from lora_mixer_app.web.desk.conversion import laid_out, request_of, sounding, use_of
from lora_mixer_app.web.desk.strip import Strip
from lora_mixer_app.web.desk.sync import added, follow, read_tags, rewrite

NAMES = st.sampled_from(["a", "line_art", "夜空", "b.2"])
STRENGTHS = st.integers(-30, 30).map(lambda tenths: tenths / 10)
SHAPES = st.none() | st.just(((0.0, 0.0), (1.0, 1.0))) | st.just(((0.0, 1.0), (0.25, 0.5)))
STRIPS = st.lists(
    st.builds(
        Strip,
        name=NAMES,
        denoiser=STRENGTHS.filter(bool),
        text=st.none() | STRENGTHS,
        on=st.booleans(),
        blocks=st.none() | st.sampled_from(["MIDD", "0,1,0"]),
        shape=SHAPES,
        start=st.integers(1, 3),
        stop=st.none() | st.integers(3, 9),
        rank=st.none() | st.integers(1, 8),
    ),
    max_size=5,
).map(lambda strips: added([], strips))
PROMPTS = st.lists(
    st.sampled_from(
        [
            "cat",
            " (big:1.2)",
            "<lora:a:0.5>",
            " <lora:line_art:1:0.25>",
            " AND ",
            "[x|y]",
            "[<lora:a:1>:3]",
            ", ",
            "# no",
            "(<lora:b.2:2>)",
            "\n",
            "{u|v}",
            "\\(",
            "[",
            ")",
        ]
    ),
    max_size=8,
).map("".join)


def known(name: str) -> bool:
    return name in {"a", "line_art", "夜空", "b.2"}


@given(text=PROMPTS, strips=STRIPS)
def test_the_tags_say_what_the_strips_say(text: str, strips: tuple[Strip, ...]) -> None:
    written = rewrite(text, strips)
    said = sorted(str(tag) for tag in read_tags(written))
    assert len(said) == sum(strip.on for strip in strips)
    again = follow(strips, written, known)
    by_name = lambda strip: (strip.name, str(strip.tag()))  # noqa: E731
    heard = [replace(strip, number=0) for strip in sorted(again, key=by_name) if strip.on]
    meant = [replace(strip, number=0) for strip in sorted(strips, key=by_name) if strip.on]
    assert [strip.tag() for strip in heard] == [strip.tag() for strip in meant]


@given(text=PROMPTS, strips=STRIPS)
def test_a_prompt_the_strips_follow_is_not_changed_by_a_letter(text: str, strips: tuple[Strip, ...]) -> None:
    assert rewrite(text, follow(strips, text, known)) == text


@given(text=PROMPTS, strips=STRIPS)
def test_what_the_prompt_says_besides_tags_stays(text: str, strips: tuple[Strip, ...]) -> None:
    bare = lambda words: "".join(words.split())  # noqa: E731
    without = rewrite(text, ())
    assert bare(rewrite(rewrite(text, strips), ())) == bare(without)


def test_typing_a_tag_adds_a_strip_and_typing_another_number_moves_it() -> None:
    strips = follow((), "cat <lora:a:0.5>", known)
    assert [(strip.name, strip.denoiser, strip.on) for strip in strips] == [("a", 0.5, True)]
    (moved,) = follow(strips, "cat <lora:a:0.7:-1>", known)
    assert (moved.number, moved.denoiser, moved.text) == (strips[0].number, -1.0, 0.7)


def test_deleting_a_tag_switches_the_strip_off_and_it_keeps_its_value() -> None:
    strips = follow((), "cat <lora:a:0.5>", known)
    (off,) = follow(strips, "cat", known)
    assert (off.on, off.denoiser) == (False, 0.5)
    assert rewrite("cat", (replace(off, on=True),)) == "cat <lora:a:0.5>"


def test_a_half_typed_name_leaves_no_strip_behind() -> None:
    strips = follow((), "<lora:line_ar:1>", known)
    assert [strip.name for strip in follow(strips, "<lora:line_art:1>", known)] == ["line_art"]


def test_moving_a_strip_rewrites_its_tag_where_it_stands() -> None:
    text = "a (cat <lora:a:0.5>, hat:1.2)  by <lora:line_art:1>  night # <lora:a:9>"
    first, second = follow((), text, known)
    moved = rewrite(text, (replace(first, denoiser=-0.25), second))
    assert moved == text.replace("<lora:a:0.5>", "<lora:a:-0.25>")
    assert rewrite(text, (replace(first, on=False), second)) == text.replace(" <lora:a:0.5>", "")


def test_two_tags_of_one_name_are_two_strips() -> None:
    text = "<lora:a:0.5> cat <lora:a:0.2>"
    first, second = follow((), text, known)
    assert rewrite(text, (first, replace(second, denoiser=1.0))) == "<lora:a:0.5> cat <lora:a:1>"


def test_tags_in_schedules_are_no_strips() -> None:
    assert follow((), "[<lora:a:1>:5] [<lora:a:1>|b]", known) == ()


def test_a_prompt_that_cannot_be_read_moves_nothing() -> None:
    with pytest.raises(PromptError):
        follow((), "<lora:a:x>", known)


def test_a_name_that_no_tag_can_hold_is_refused() -> None:
    with pytest.raises(RequestError, match="Rename"):
        rewrite("cat", (Strip(name="a:b"),))


def test_solo_silences_the_others_but_no_off_strip_sounds() -> None:
    a, b, c = added([], [Strip(name="a"), Strip(name="b", solo=True), Strip(name="c", on=False, solo=True)])
    assert sounding((a, b, c)) == (b,)
    assert sounding((a, replace(b, solo=False), c)) == (a, replace(b, solo=False))


def test_a_mask_goes_beside_the_prompt_and_comes_back_as_a_strip() -> None:
    left = Rectangle(left=0, top=0, right=0.5, bottom=1)
    strips = added([], [Strip(name="a", denoiser=0.5, mask=left), Strip(name="line_art")])
    text = rewrite("cat", strips)
    asked = request_of(RenderRequest(prompt=text), strips, family=SD1, steps=20)
    assert asked.prompt == "cat <lora:line_art:1>"
    assert asked.loras == (LoraUse(name="a", strength=Strength(0.5, mask=left)),)
    back, again = laid_out(asked, family=SD1)
    assert back.loras == ()
    assert {(strip.name, strip.denoiser, strip.mask) for strip in again} == {("a", 0.5, left), ("line_art", 1.0, None)}
    assert request_of(back, again, family=SD1, steps=20) == asked


@given(strips=STRIPS, steps=st.integers(4, 30))
def test_a_strip_means_the_same_beside_the_prompt_as_in_its_tag(strips: tuple[Strip, ...], steps: int) -> None:
    for strip in strips:
        spelled = replace(strip, blocks=None)
        use = use_of(spelled, family=SD1, steps=steps)
        spans = timeline(parse(spelled.tag_text()), steps)
        for step in range(steps):
            span = next(span for span in spans if span.start <= step < span.stop)
            told = span.loras[0].strength if span.loras else Strength(0.0)
            assert unet_at(use.strength, step, steps) == pytest.approx(unet_at(told, step, steps))
            if span.loras:
                assert use.strength.of("te1") == pytest.approx(told.of("te1"))


def unet_at(strength: Strength, step: int, steps: int) -> float:
    from lora_mixer.blend import curve_at

    position = step / max(steps - 1, 1)
    return strength.denoiser * (curve_at(strength.curve, position) if strength.curve else 1.0)


def test_what_acts_on_the_negative_half_is_a_tag_of_the_negative_prompt() -> None:
    use = LoraUse(name="a", strength=Strength(0.5, negative=True))
    back, strips = laid_out(RenderRequest(prompt="cat", negative="blurry", loras=(use,)), family=SD1)
    assert (back.prompt, back.negative, strips) == ("cat", "blurry <lora:a:0.5>", ())


def test_a_curve_of_a_request_is_a_tag_with_points() -> None:
    use = LoraUse(name="a", strength=Strength(0.5, curve=Curve(points=((0.0, 0.0), (1.0, 1.0)))))
    back, _ = laid_out(RenderRequest(prompt="cat", loras=(use,)), family=SD1)
    assert back.prompt == "cat <lora:a:0.5:0@0,0.5@1>"
