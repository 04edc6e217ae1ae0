"""Convert the desk into a request, and a request back into the desk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from lora_mixer import Curve, LoraUse, Rectangle, RenderRequest, Strength
from lora_mixer.blend import curve_at
from lora_mixer.families import Family, text_parts
from lora_mixer.keys import blocks_of, elements_text, parse_blocks, parse_elements
from lora_mixer.prompt import Keyframes, divided
from lora_mixer_app.serving.input_store import is_sent
from lora_mixer_app.web.desk.strip import Strip, strip_of, tidy
from lora_mixer_app.web.desk.sync import Strips, numbered, read_tags, with_tags, without_tags


def sounding(strips: Iterable[Strip]) -> Strips:
    """Return the strips that are heard: those that are on, and while any of them is solo, the solo ones."""
    on = tuple(strip for strip in strips if strip.on)
    return tuple(strip for strip in on if strip.solo) or on


def request_of(
    request: RenderRequest, strips: Strips, *, family: Family, steps: int, inside: Collection[int] = ()
) -> RenderRequest:
    """Return what a desk asks for: tags for what tags can say, the mix beside the prompt for strips with a mask.

    The prompt's own tags count as they stand; while a strip is solo they sit out, as the other strips do. Behind a prompt
    with regions of its own a tag would act in the last of them alone, so the whole mix stands beside it.

    Args:
        request: The settings, with the prompt as it is written.
        strips: The strips of that prompt.
        family: The model's family, for block weights.
        steps: How many steps the course has.
        inside: The numbers of the strips that act in regions, and not in the whole picture.

    Raises:
        PromptError: The prompt cannot be read.
        RequestError: Block weights cannot be.
    """
    heard = sounding(strips)
    grammar = request.grammar or "default"
    whole = tuple(strip for strip in heard if strip.number not in inside)
    tags = () if has_regions(request.prompt, grammar) else tuple(strip for strip in whole if strip.mask is None)
    masked = tuple(use_of(strip, family=family, steps=steps) for strip in whole if strip not in tags)
    alone = any(strip.solo for strip in heard)
    text = without_tags(request.prompt, grammar) if alone else request.prompt
    return replace(request, prompt=with_tags(text, tags, grammar), loras=(*request.loras, *masked))


def has_regions(prompt: str, grammar: str) -> bool:
    """Return whether regions stand in a prompt.

    Raises:
        PromptError: One of them lies nowhere.
    """
    return bool(divided(prompt, grammar=grammar).regions)


def use_of(strip: Strip, *, family: Family, steps: int) -> LoraUse:
    """Return a strip as an adapter of a mix, without a prompt.

    Raises:
        RequestError: Its block weights cannot be.
    """
    return LoraUse(
        name=strip.name,
        strength=Strength(
            tidy(strip.denoiser),
            text=None if strip.text is None else tidy(strip.text),
            blocks=parse_blocks(strip.blocks, family) if strip.blocks else {},
            curve=_curve(strip, steps),
            mask=strip.mask,
            rank=strip.rank,
            elements=parse_elements(strip.elements) if strip.elements else (),
        ),
    )


def _curve(strip: Strip, steps: int) -> Curve | None:
    """Return the factor over the course; one that starts or stops is stated step by step."""
    shape = Keyframes(points=strip.shape, fraction=strip.fraction).curve(steps) if strip.shape else None
    if strip.start == 1 and (strip.stop is None or strip.stop >= steps):
        return shape
    last = max(steps - 1, 1)
    window = range(strip.start - 1, strip.stop or steps)
    return Curve(
        points=tuple(
            (step / last, (curve_at(shape, step / last) if shape else 1.0) if step in window else 0.0)
            for step in range(steps)
        )
    )


def strip_of_use(use: LoraUse, *, family: Family) -> Strip:
    """Return an adapter of a mix as a strip, without a mask that is a file somewhere (`masked_inside`)."""
    given = use.strength
    return Strip(
        name=use.name,
        denoiser=given.denoiser,
        text=given.of(text_parts()[0]) if given.text else None,
        blocks=_blocks_text(given.blocks, family) if given.blocks else None,
        shape=given.curve.points if given.curve else None,
        mask=_strips_mask(given.mask),
        rank=given.rank,
        elements=elements_text(given.elements) if given.elements else None,
    )


def masked_inside(uses: Iterable[LoraUse]) -> tuple[str, ...]:
    """Return the LoRAs of a mix whose masks are files somewhere or shapes, which `strip_of_use` leaves out."""
    return tuple(use.name for use in uses if use.strength.mask is not None and _strips_mask(use.strength.mask) is None)


def _strips_mask(mask: object) -> Rectangle | Path | None:
    """Return a mask that a strip can have: a rectangle, or the digest of a picture that was sent."""
    return mask if isinstance(mask, Rectangle) or (isinstance(mask, Path) and is_sent(str(mask))) else None


def _blocks_text(blocks: Mapping[str, float], family: Family) -> str:
    return ",".join(f"{tidy(blocks.get(name, 1.0)):g}" for name in blocks_of(family))


def laid_out(request: RenderRequest, *, family: Family) -> tuple[RenderRequest, Strips]:
    """Return a request without its mix, and the mix as strips: that of the prompt's tags, then what stands beside it.

    Tags of a prompt with regions of its own stay where they act.
    Adapters of the negative half of guidance become tags of the negative prompt.

    Raises:
        PromptError: A prompt cannot be read.
        RequestError: A LoRA's name cannot stand in a tag.
    """
    grammar = request.grammar or "default"
    beside = [strip_of_use(use, family=family) for use in request.loras if not use.strength.negative]
    away = [strip_of_use(use, family=family).tag_text() for use in request.loras if use.strength.negative]
    if has_regions(request.prompt, grammar):
        tags, prompt = [], request.prompt
    else:
        tags, prompt = [*map(strip_of, read_tags(request.prompt, grammar))], without_tags(request.prompt, grammar)
    strips = numbered([*tags, *beside])
    negative = " ".join(part for part in (request.negative, *away) if part) if away else request.negative
    return replace(request, prompt=prompt, negative=negative, loras=()), strips
