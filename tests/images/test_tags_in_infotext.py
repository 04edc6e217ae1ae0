"""Every adapter reaches the infotext: on its half of guidance, with all a tag can say, where A1111 looks for it."""

from __future__ import annotations

from dataclasses import replace

from lora_mixer.choices import AUTOMATIC
from lora_mixer.families import SD1
from lora_mixer.hires import HiresSettings
from lora_mixer.images import infotext, parse_infotext
from lora_mixer.keys import blocks_of, parse_blocks
from lora_mixer.mixes import LoraUse, Strength
from lora_mixer.prompt import parse, timeline


def said(record, *, prompt="cat", negative="", loras=(), names=("ink",), strength=None):
    """Return the infotext of a picture of that prompt, mix and adapters."""
    settings = replace(record.settings, prompt=prompt, negative=negative, loras=tuple(loras))
    strength = Strength(0.5) if strength is None else strength
    adapters = tuple(replace(record.adapters[0], name=name, strength=strength) for name in names)
    return parse_infotext(infotext(replace(record, settings=settings, adapters=adapters)))


def test_a_tag_of_the_negative_prompt_stays_there(record):
    text = said(record, negative="badpic <lora:ink:0.5>", strength=Strength(0.5, negative=True))
    assert (text.prompt, text.negative) == ("cat", "badpic <lora:ink:0.5>")


def test_a_lora_that_acts_on_the_negative_half_only_stands_in_the_negative_prompt(record):
    use = LoraUse("ink", Strength(0.5, negative=True))
    text = said(record, negative="bad", loras=[use], strength=use.strength)
    assert (text.prompt, text.negative) == ("cat", "bad <lora:ink:0.5>")


def test_block_weights_given_as_a_table_and_ranks_reach_the_tag(record):
    use = LoraUse("ink", Strength(0.5, blocks={"IN01": 0.25, "OUT11": 0.0}, rank=4))
    text = said(record, loras=[use])
    (span,) = timeline(parse(text.prompt), 20, blocks=lambda given: parse_blocks(given, SD1))
    (told,) = span.loras
    assert {name: told.strength.blocks[name] for name in blocks_of(SD1)} == {
        name: {"IN01": 0.25, "OUT11": 0.0}.get(name, 1.0) for name in blocks_of(SD1)
    }
    assert (told.strength.denoiser, told.strength.rank) == (0.5, 4)


def test_a_mix_that_a_tag_names_too_is_said_twice_as_it_acts_twice(record):
    text = said(record, prompt="cat <lora:ink:0.3>", loras=[LoraUse("ink", 0.5)])
    assert text.prompt == "cat <lora:ink:0.3> <lora:ink:0.5>"


def test_no_tag_stands_behind_a_comment_which_a1111_strips_to_the_end_of_its_line(record):
    text = said(record, prompt="cat # my favourite", loras=[LoraUse("ink", 0.5)])
    assert text.prompt == "cat # my favourite\n<lora:ink:0.5>"
    (span,) = timeline(parse(text.prompt), 20)
    assert [use.name for use in span.loras] == ["ink"]


def test_a_tag_within_a_comment_names_nothing(record):
    assert said(record, prompt="cat\n# <lora:ink:1>\ndog").prompt.endswith("dog <lora:ink:0.5>")


def test_the_schedule_is_the_one_that_was_taken(record):
    automatic = replace(record, settings=replace(record.settings, schedule=AUTOMATIC), schedule="Karras")
    assert parse_infotext(infotext(automatic)).fields["Schedule type"] == "Karras"
    hires = HiresSettings(
        scale=2.0, width=256, height=128, upscaler="Latent", steps=9, denoise=0.5, sampler="Euler", schedule=AUTOMATIC,
        cfg=6.5,
    )  # fmt: skip
    both = replace(automatic, settings=replace(automatic.settings, hires=hires))
    assert parse_infotext(infotext(both)).fields["Hires schedule type"] == AUTOMATIC
