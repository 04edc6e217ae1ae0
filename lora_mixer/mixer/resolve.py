"""Resolve a request into a job: fill gaps, parse the prompt, find adapters."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from lora_mixer.choices import SUM, BlendMethod, calls_a_step, find_method
from lora_mixer.choices.places import AUTO
from lora_mixer.errors import RequestError
from lora_mixer.families import Family
from lora_mixer.keys import blocks_of, check_elements, elements_text, means, parse_blocks, parse_elements
from lora_mixer.mixer.adapter_cache import AdapterCache
from lora_mixer.mixer.blending import Blending
from lora_mixer.mixer.measuring import Measuring
from lora_mixer.mixer.networks import NO_NETWORKS, Networks
from lora_mixer.mixer.regions import (
    Coupler,
    RegionCourse,
    pieces_of,
    refuse_unsaid,
    regional,
    sought,
    span_at,
    without_loras,
)
from lora_mixer.mixer.second_pass import ended, hires_of
from lora_mixer.mixer.starts import start_settings, starts_of
from lora_mixer.mixes import LoraUse
from lora_mixer.pipeline import AdapterUse, Job, Pass, Segment, Start
from lora_mixer.places import DrawnMask
from lora_mixer.prompt import (
    MIX_WORD,
    Prompt,
    Span,
    apply_styles,
    divided,
    expand,
    find_missing,
    named_styles,
    own_rewritten,
    parse,
    timeline,
)
from lora_mixer.regions import Region
from lora_mixer.request import RenderRequest, Settings
from lora_mixer.settings import PICTURE, filled

Rewrite = Callable[[str], str]


def settings_of(
    request: RenderRequest,
    *,
    model: str,
    native_size: tuple[int, int],
    emphasis: str,
    upscaler_for: Callable[[float], str | None] = lambda _: None,
) -> Settings:
    """Return complete settings; missing or negative seeds are drawn at random.

    Args:
        request: The request, with the defaults of models.toml filled in.
        model: The name of the open model.
        native_size: The (width, height) the model was trained at.
        emphasis: The default emphasis mode of the model.
        upscaler_for: What enlarges its pictures so many times where nobody says.
    """
    width, height = native_size
    upscale = PICTURE["upscale"].default if request.upscale is None else request.upscale
    settings = Settings(
        **filled(
            request,
            loras=request.loras,
            regions=request.regions,
            seed=_seed(request.seed),
            subseed=_seed(request.subseed) if request.subseed_strength else None,
            method=str(find_method(request.method or SUM.row.name)),
            width=width if request.width is None else request.width,
            height=height if request.height is None else request.height,
            emphasis=request.emphasis or emphasis,
            model=model,
            hires=None,
            upscaler=None if upscale == 1 else request.upscaler or upscaler_for(upscale),
            **start_settings(request),
        )
    )
    return settings if request.hires is None else replace(settings, hires=hires_of(request.hires, settings))


def _seed(asked: int | None) -> int:
    return secrets.randbelow(2**32) if asked is None or asked < 0 else asked


def styled(settings: Settings, names: Iterable[str], files: Iterable[Path]) -> Settings:
    """Return the settings with styles inserted into the prompts of both passes.

    Raises:
        RequestError: Unknown style; the error names the nearest.
        ConfigError: A styles file cannot be read.
    """
    styles = named_styles(names, files)
    return _rewritten(
        settings,
        lambda prompt: own_rewritten(prompt, lambda own: apply_styles(own, "", styles)[0], grammar=settings.grammar),
        lambda negative: apply_styles("", negative, styles)[1],
    )


def expand_wildcards(settings: Settings, wildcards: Iterable[Path]) -> Settings:
    """Return the settings with dynamic prompts drawn by the seed: `{a|b}`, `{2$$a|b|c}`, `__wildcard__`.

    Args:
        settings: The settings.
        wildcards: Folders of wildcard files.

    Raises:
        PromptError: A wildcard is missing, or the template grows too large.
    """
    draw = partial(expand, seed=settings.seed, folders=tuple(wildcards))
    return _rewritten(settings, draw, draw)


def _rewritten(settings: Settings, prompt: Rewrite, negative: Rewrite) -> Settings:
    """Apply two functions to the prompts and negative prompts, including those of regions and of hires fix."""
    changed = replace(
        settings,
        prompt=prompt(settings.prompt),
        negative=negative(settings.negative),
        regions=tuple(_rewritten_region(region, prompt, negative) for region in settings.regions),
    )
    if settings.hires is None:
        return changed
    own, away = settings.hires.prompt, settings.hires.negative
    hires = replace(
        settings.hires,
        prompt=None if own is None else prompt(own),
        negative=None if away is None else negative(away),
    )
    return replace(changed, hires=hires)


def _rewritten_region(region: Region, prompt: Rewrite, negative: Rewrite) -> Region:
    own, away = region.prompt, region.negative
    return replace(
        region, prompt=prompt(own) if own.strip() else own, negative=None if away is None else negative(away)
    )


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
        one, named, said, sought_here = _pass_of(
            start, asked, blending, embeddings, done=done, found=None if bare else found
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
    method = find_method(settings.method)
    uses = list(settings.loras)
    if found is None:
        positive, negative = without_loras(positive), without_loras(negative)
    courses = () if found is None else regional(settings, parts, positive, spans, adapters.words, found)
    refuse_unsaid(courses, positive, blending.measuring.loaded)
    for use in (
        *(use for span in (*positive, *negative) for use in span.loras),
        *(use for course in courses for use in course.loras),
    ):
        if use not in uses:
            uses.append(use)
    for use in uses:
        _check_blocks(use, family)
    notes = [
        *_missing([towards, away], [*embeddings, *_brought(uses, adapters)]),
        *_experimental(method),
        *_remarks(uses, adapters),
        *_idle(uses, adapters),
        *_nowhere(settings, courses),
    ]
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
    return Segment(
        start=start,
        stop=stop,
        positive=tuple(
            coupler.condition(part.text, row.stack, [one.towards for one in regions], weight=row.weight * part.weight)
            for row in rows
            for part in towards.parts
        ),
        negative=tuple(
            coupler.condition(
                pieces_of(away), row.stack, [one.away for one in regions], weight=row.weight, negative=True
            )
            for row in away_rows
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


def _brought(uses: Iterable[LoraUse], adapters: AdapterCache) -> Iterator[str]:
    for use in uses:
        yield from adapters.take(use.name).embeddings


def _remarks(uses: Iterable[LoraUse], adapters: AdapterCache) -> Iterator[str]:
    """Yield notes on adapters whose settings are damaged or contradict their tensors."""
    for name in dict.fromkeys(use.name for use in uses):
        yield from (f"LoRA {name}: {remark}" for remark in adapters.take(name).report.remarks)


def _nowhere(settings: Settings, courses: Iterable[RegionCourse]) -> Iterator[str]:
    if settings.places == AUTO and not any(course.holds for course in courses):
        yield "no trained words of a LoRA stand in the prompt, so no places were sought: each acts as its mask says"


def _experimental(method: BlendMethod) -> Iterator[str]:
    if method.row.experimental:
        yield f"the method {method} is experimental: it has not been shown to beat the sum here"


def _missing(prompts: Iterable[Prompt], known: Sequence[str]) -> Iterator[str]:
    for prompt in prompts:
        for embedding in find_missing(prompt, known):
            nearest = f"; the nearest is {embedding.nearest}" if embedding.nearest else ""
            yield f"there is no embedding {embedding.name}, so its name is read as words{nearest}"


def _idle(uses: Iterable[LoraUse], adapters: AdapterCache) -> Iterator[str]:
    """Yield the element weights that mean no layer of their adapter."""
    for use in uses:
        changed = adapters.take(use.name, rank=use.strength.rank).modules.values() if use.strength.elements else ()
        for element in use.strength.elements:
            if not any(means(element, spec) for spec in changed):
                yield f"LoRA {use.name}: the element weight {elements_text([element])} means none of its layers"
