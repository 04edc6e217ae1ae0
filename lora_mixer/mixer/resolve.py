"""From what somebody asks for to a job that can be rendered: gaps filled, prompt read, adapters found."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

from lora_mixer.apply import Placed, Stack
from lora_mixer.errors import RequestError
from lora_mixer.keys import blocks_of, parse_blocks
from lora_mixer.mixer.shelf import Shelf
from lora_mixer.modules import Family
from lora_mixer.pipeline import Guide, Job, Stretch
from lora_mixer.prompt import (
    Prompt,
    Span,
    apply_styles,
    expand,
    find_missing,
    named_styles,
    parse,
    timeline,
)
from lora_mixer.request import LoraUse, RenderRequest, Settings


def settings_of(request: RenderRequest, *, model: str, native_size: tuple[int, int], emphasis: str) -> Settings:
    """Return a request with every gap filled; missing or negative seeds are drawn at random.

    Args:
        request: The request, already laid over the defaults of models.toml.
        model: The name of the open model.
        native_size: The (width, height) the model was trained at.
        emphasis: The emphasis mode that suits it.
    """
    width, height = native_size
    varied = bool(request.subseed_strength)
    return Settings(
        prompt=request.prompt,
        negative=request.negative or "",
        loras=request.loras,
        seed=_seed(request.seed),
        subseed=_seed(request.subseed) if varied else None,
        subseed_strength=request.subseed_strength or 0.0,
        steps=20 if request.steps is None else request.steps,
        cfg=7.0 if request.cfg is None else request.cfg,
        cfg_rescale=request.cfg_rescale or 0.0,
        eta=request.eta,
        sampler=request.sampler or "DPM++ 2M",
        schedule=request.schedule or "Automatic",
        width=width if request.width is None else request.width,
        height=height if request.height is None else request.height,
        clip_skip=1 if request.clip_skip is None else request.clip_skip,
        emphasis=request.emphasis or emphasis,
        grammar=request.grammar or "default",
        model=model,
    )


def _seed(asked: int | None) -> int:
    return secrets.randbelow(2**32) if asked is None or asked < 0 else asked


def styled(settings: Settings, names: Iterable[str], files: Iterable[Path]) -> Settings:
    """Return the settings with styles worked into both prompts.

    Raises:
        RequestError: There is no style of a name; the nearest is in the text.
        ConfigError: A styles file cannot be read.
    """
    prompt, negative = apply_styles(settings.prompt, settings.negative, named_styles(names, files))
    return replace(settings, prompt=prompt, negative=negative)


def drawn(settings: Settings, wildcards: Iterable[Path]) -> Settings:
    """Return the settings with dynamic prompts drawn by the seed: `{a|b}`, `{2$$a|b|c}`, `__wildcard__`.

    Args:
        settings: What to render.
        wildcards: Folders of wildcard files.

    Raises:
        PromptError: A wildcard is not there, or the template grows too large.
    """
    folders = tuple(wildcards)
    return replace(
        settings,
        prompt=expand(settings.prompt, seed=settings.seed, folders=folders),
        negative=expand(settings.negative, seed=settings.seed, folders=folders),
    )


def job_of(settings: Settings, shelf: Shelf, *, family: Family, embeddings: Sequence[str] = ()) -> Job:
    """Return the job of a picture: its course of texts and mixes over the steps.

    Args:
        settings: What to render.
        shelf: Where adapters are found.
        family: The model's family.
        embeddings: The names of the embeddings there are, so that one that is named but missing can be said.

    Raises:
        PromptError: The prompt cannot be read.
        AdapterError: An adapter it names is unknown or does not fit.
    """
    towards, away = (
        parse(settings.prompt, grammar=settings.grammar),
        parse(settings.negative, grammar=settings.grammar, negative=True),
    )
    blocks = partial(parse_blocks, family=family)
    positive = timeline(towards, settings.steps, blocks=blocks)
    negative = timeline(away, settings.steps, blocks=blocks)
    uses = list(settings.loras)
    for use in (use for span in (*positive, *negative) for use in span.loras):
        if use not in uses:
            uses.append(use)
    for use in uses:
        _check_blocks(use, family)
    return Job(
        settings=settings,
        course=tuple(
            _stretch(start, stop, _at(positive, start), _at(negative, start), settings, shelf, family)
            for start, stop in _stretches(positive, negative, settings.steps)
        ),
        uses=tuple(shelf.use(use) for use in uses),
        notes=tuple(_missing([towards, away], [*embeddings, *_brought(uses, shelf)])),
    )


def _stretch(
    start: int, stop: int, towards: Span, away: Span, settings: Settings, shelf: Shelf, family: Family
) -> Stretch:
    asked = (*settings.loras, *towards.loras)
    both = tuple(use for use in asked if not use.strength.negative)
    only_away = (*(use for use in asked if use.strength.negative), *away.loras)
    with_mix = _stack(both, shelf, family)
    return Stretch(
        start=start,
        stop=stop,
        positive=tuple(Guide(pieces=part.text, weight=part.weight, stack=with_mix) for part in towards.parts),
        negative=Guide(
            pieces=tuple(piece for part in away.parts for piece in part.text),
            stack=_stack((*both, *only_away), shelf, family) if only_away else with_mix,
            negative=True,
        ),
    )


def _check_blocks(use: LoraUse, family: Family) -> None:
    known = blocks_of(family)
    for block in use.strength.blocks:
        if block not in known:
            raise RequestError(
                f"{family.full_name} has no block {block!r}",
                where=f"LoRA {use.name}",
                remedy=f"Use {', '.join(known)}.",
            )


def _stretches(positive: Iterable[Span], negative: Iterable[Span], steps: int) -> list[tuple[int, int]]:
    edges = sorted({0, steps, *(span.start for span in positive), *(span.start for span in negative)})
    return [(start, stop) for start, stop in pairwise(edges) if start < steps]


def _at(spans: Iterable[Span], step: int) -> Span:
    return next(span for span in spans if span.start <= step < span.stop)


def _stack(uses: Iterable[LoraUse], shelf: Shelf, family: Family) -> Stack:
    placed = (
        Placed(adapter=shelf.take(use.name, rank=use.strength.rank), strength=replace(use.strength, negative=False))
        for use in uses
    )
    return Stack(placed, family=family)


def _brought(uses: Iterable[LoraUse], shelf: Shelf) -> Iterator[str]:
    for use in uses:
        yield from shelf.take(use.name).embeddings


def _missing(prompts: Iterable[Prompt], known: Sequence[str]) -> Iterator[str]:
    for prompt in prompts:
        for embedding in find_missing(prompt, known):
            nearest = f"; the nearest is {embedding.nearest}" if embedding.nearest else ""
            yield f"there is no embedding {embedding.name}, so its name is read as words{nearest}"
