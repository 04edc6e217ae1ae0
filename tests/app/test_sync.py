"""Strips own the mix, and the prompt's own tags count beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer import Curve, LoraUse, Rectangle, RenderRequest, Strength
from lora_mixer.errors import RequestError
from lora_mixer.families import SD1
from lora_mixer.prompt import parse, timeline
from lora_mixer_app.web.desk.conversion import laid_out, request_of, sounding, use_of
from lora_mixer_app.web.desk.document import document_of, read_document
from lora_mixer_app.web.desk.strip import Strip
from lora_mixer_app.web.desk.sync import numbered, read_tags, with_tags, without_tags

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
).map(numbered)
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


@given(text=PROMPTS, strips=STRIPS)
def test_tags_are_added_behind_and_the_words_before_them_stay(text: str, strips: tuple[Strip, ...]) -> None:
    written = with_tags(text, strips)
    assert written.strip(" ").startswith(text.strip(" "))
    said = sorted(str(tag) for tag in read_tags(written))
    assert len(said) == len(read_tags(text)) + len(strips)
    assert without_tags(without_tags(text)) == without_tags(text)


@given(text=PROMPTS)
def test_what_the_prompt_says_besides_tags_stays(text: str) -> None:
    bare = lambda words: "".join(words.split())  # noqa: E731
    assert bare(without_tags(with_tags(text, [Strip(name="a")]))) == bare(without_tags(text))
    assert read_tags(without_tags(text)) == ()


@given(text=PROMPTS, strips=STRIPS)
def test_document_request_and_document_again_say_the_same(text: str, strips: tuple[Strip, ...]) -> None:
    asked = request_of(RenderRequest(prompt=text), strips, family=SD1, steps=20)
    again = read_document(document_of(asked, family=SD1))
    once_more = request_of(again.request, again.strips, family=SD1, steps=20)
    heard = lambda request: sorted(str(replace(tag, at=0)) for tag in read_tags(request.prompt))  # noqa: E731
    assert heard(once_more) == heard(asked)
    assert without_tags(once_more.prompt).split() == without_tags(asked.prompt).split()


def test_tags_in_schedules_are_the_prompts_own() -> None:
    assert read_tags("[<lora:a:1>:5] [<lora:a:1>|b]") == ()


def test_solo_silences_the_tags_of_the_prompt_too() -> None:
    strips = numbered([Strip(name="line_art", solo=True), Strip(name="b.2")])
    asked = request_of(RenderRequest(prompt="cat <lora:a:0.5>"), strips, family=SD1, steps=20)
    assert asked.prompt == "cat <lora:line_art:1>"


def test_a_strip_and_a_tag_of_one_name_add_up() -> None:
    asked = request_of(RenderRequest(prompt="cat <lora:a:0.5>"), (Strip(name="a"),), family=SD1, steps=20)
    assert asked.prompt == "cat <lora:a:0.5> <lora:a:1>"


def test_a_name_that_no_tag_can_hold_is_refused() -> None:
    with pytest.raises(RequestError, match="Rename"):
        with_tags("cat", (Strip(name="a:b"),))


def test_solo_silences_the_others_but_no_off_strip_sounds() -> None:
    a, b, c = numbered([Strip(name="a"), Strip(name="b", solo=True), Strip(name="c", on=False, solo=True)])
    assert sounding((a, b, c)) == (b,)
    assert sounding((a, replace(b, solo=False), c)) == (a, replace(b, solo=False))


def test_a_mask_goes_beside_the_prompt_and_comes_back_as_a_strip() -> None:
    left = Rectangle(left=0, top=0, right=0.5, bottom=1)
    strips = numbered([Strip(name="a", denoiser=0.5, mask=left), Strip(name="line_art")])
    asked = request_of(RenderRequest(prompt="cat"), strips, family=SD1, steps=20)
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
    back, (strip,) = laid_out(RenderRequest(prompt="cat", loras=(use,)), family=SD1)
    assert (back.prompt, strip.tag_text()) == ("cat", "<lora:a:0.5:0@0,0.5@1>")
