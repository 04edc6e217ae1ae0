"""Resolve a picture's settings into its job: the prompt is parsed, adapters are found, every step gets its conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from types import MappingProxyType

from lora_mixer.choices import calls_a_step
from lora_mixer.errors import RequestError
from lora_mixer.families import Family
from lora_mixer.keys import blocks_of, check_elements, parse_blocks, parse_elements
from lora_mixer.mixer.blending import Blending
from lora_mixer.mixer.coupler import CELL, Coupler
from lora_mixer.mixer.measuring import Measuring
from lora_mixer.mixer.networks import NO_NETWORKS, Networks
from lora_mixer.mixer.regions import (
    RegionCourse,
    pieces_of,
    refuse_unsaid,
    regional,
    sought,
    span_at,
    without_loras,
)
from lora_mixer.mixer.remarks import remarks_on
from lora_mixer.mixer.second_pass import crop_of, ended
from lora_mixer.mixer.starts import starts_of
from lora_mixer.mixes import LoraUse
from lora_mixer.pipeline import AdapterUse, FromPassBefore, Job, Pass, Segment, Start
from lora_mixer.places import DrawnMask
from lora_mixer.prompt import MIX_WORD, Span, divided, parse, timeline
from lora_mixer.request import Settings


def job_of(
    settings: Settings,
    measuring: Measuring,
    *,
    embeddings: Sequence[str] = (),
    networks: Networks = NO_NETWORKS,
    found: Mapping[str, DrawnMask] = MappingProxyType({}),
    bare: bool = False,
) -> Job:
    """Return a picture's job: its passes, with conditions and mixes for every step.

    Args:
        settings: The settings.
        measuring: Finds, opens and measures its LoRAs.
        embeddings: Names of the available embeddings, to report missing ones.
        networks: What enlarges the picture.
        found: Places that a probe found, by the words of what lies there.
        bare: Without LoRAs and regions, as a probe is.

    Raises:
        PromptError: The prompt cannot be read.
        AdapterError: An adapter it names is unknown or does not fit.
    """
    passes: list[Pass] = []
    uses: list[AdapterUse] = []
    settings = _with_method(settings)
    blending = Blending(settings=settings, measuring=measuring)
    notes: list[str] = []
    seeks: list[str] = []
    for start, own in starts_of(settings, networks.between):
        done = sum(one.settings.steps for one in passes)
        asked = replace(own, loras=(), regions=()) if bare else own
        crop = crop_of(passes[0].settings, start.hires, CELL) if isinstance(start, FromPassBefore) else None
        one, named, said, sought_here = _pass_of(
            start, asked, replace(blending, crop=crop), embeddings, done=done, found=None if bare else found
        )
        passes.append(one)
        notes += said
        seeks += sought_here
        known = [(use.name, use.placed.strength) for use in uses]
        uses += [use for use in map(measuring.adapters.use, named) if (use.name, use.placed.strength) not in known]
    return Job(
        settings=settings,
        passes=tuple(passes),
        uses=tuple(uses),
        upscaler=networks.last,
        notes=tuple(dict.fromkeys((*notes, *blending.said))),
        matrices=tuple(dict.fromkeys(blending.matrices)),
        seeks=tuple(dict.fromkeys(seeks)),
    )


def _with_method(settings: Settings) -> Settings:
    """Return the settings with the method that a tag in the prompt names, if one does."""
    if f"<{MIX_WORD}" not in settings.prompt.lower().replace(" ", ""):
        return settings
    said = parse(settings.prompt, grammar=settings.grammar).method
    return settings if said is None else replace(settings, method=said)


def _pass_of(
    start: Start,
    settings: Settings,
    blending: Blending,
    embeddings: Sequence[str],
    *,
    done: int,
    found: Mapping[str, DrawnMask] | None,
) -> tuple[Pass, list[LoraUse], list[str], tuple[str, ...]]:
    """Return a pass that follows on so many steps, the adapters that act in it, what is to be said about them, what it seeks.

    Without `found`, no LoRA and no region of its prompt acts.
    """
    anew = isinstance(start, FromPassBefore) and start.hires.prompt is not None
    parts = divided(settings.prompt, settings.negative, grammar=settings.grammar)
    towards, away = (
        parse(parts.prompt, grammar=settings.grammar),
        parse(parts.negative, grammar=settings.grammar, negative=True),
    )
    adapters, family = blending.measuring.adapters, blending.measuring.loaded.model.family
    blocks = partial(parse_blocks, family=family)
    spans = partial(
        timeline,
        steps=settings.steps,
        blocks=blocks,
        elements=parse_elements,
        done=done,
        calls=calls_a_step(settings.sampler),
    )
    positive, negative = spans(towards), spans(away)
    uses = list(settings.loras)
    if found is None:
        positive, negative = without_loras(positive), without_loras(negative)
    courses = (
        ()
        if found is None
        else regional(settings, parts, positive, spans, adapters.words, found, blending.crop, anew=anew)
    )
    refuse_unsaid(courses, positive, blending.measuring.loaded)
    for use in (
        *(use for span in (*positive, *negative) for use in span.loras),
        *(use for course in courses for use in course.loras),
    ):
        if use not in uses:
            uses.append(use)
    for use in uses:
        _check_blocks(use, family)
    notes = remarks_on(settings, [towards, away], uses, adapters, courses, embeddings)
    segments = _course(settings, positive, negative, courses, replace(blending, settings=settings), held=bool(done))
    return Pass(start=start, settings=settings, segments=segments), uses, notes, sought(courses)


def _course(
    settings: Settings,
    positive: Sequence[Span],
    negative: Sequence[Span],
    courses: Sequence[RegionCourse],
    blending: Blending,
    *,
    held: bool,
) -> tuple[Segment, ...]:
    """Return the stretches of a pass; `held` keeps strengths over the steps where the pass before ended them."""
    if held:
        settings = replace(settings, loras=tuple(ended(use) for use in settings.loras))
        courses = [course.ended() for course in courses]
    coupler = Coupler(courses, blending)
    edges = _stretches((positive, negative, *(course.spans for course in courses)), settings.steps)
    return tuple(
        _stretch(
            start,
            stop,
            span_at(positive, start),
            span_at(negative, start),
            settings.loras,
            coupler,
        )
        for start, stop in edges
    )


def _stretch(
    start: int,
    stop: int,
    towards: Span,
    away: Span,
    loras: Sequence[LoraUse],
    coupler: Coupler,
) -> Segment:
    regions, asked = coupler.at(start, (*loras, *towards.loras))
    blending = coupler.blending
    both = tuple(use for use in asked if not use.strength.negative)
    only_away = (*(use for use in asked if use.strength.negative), *away.loras)
    rows = blending.rows(both, towards.parts)
    away_rows = blending.rows(both, towards.parts, beside=only_away) if only_away else rows
    there = coupler.mixes([one.towards for one in regions], rows, both, towards.parts)
    not_there = coupler.mixes([one.away for one in regions], away_rows, both, towards.parts, only_away)
    return Segment(
        start=start,
        stop=stop,
        positive=tuple(
            coupler.condition(part.text, row.stack, mixes, weight=row.weight * part.weight)
            for row, mixes in zip(rows, there, strict=True)
            for part in towards.parts
        ),
        negative=tuple(
            coupler.condition(pieces_of(away), row.stack, mixes, weight=row.weight, negative=True)
            for row, mixes in zip(away_rows, not_there, strict=True)
        ),
    )


def _check_blocks(use: LoraUse, family: Family) -> None:
    check_elements(use.strength.elements)
    known = blocks_of(family)
    for block in use.strength.blocks:
        if block not in known:
            raise RequestError(
                f"{family.title} has no block {block!r}",
                where=f"LoRA {use.name}",
                remedy=f"Use {', '.join(known)}.",
            )


def _stretches(courses: Iterable[Iterable[Span]], steps: int) -> list[tuple[int, int]]:
    edges = sorted({0, steps, *(span.start for spans in courses for span in spans)})
    return [(start, stop) for start, stop in pairwise(edges) if start < steps]
