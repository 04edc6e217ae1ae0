"""From what somebody asks for to a job that can be rendered: gaps filled, prompt read, adapters found."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from itertools import pairwise

from lora_mixer.apply import Placed, Stack
from lora_mixer.mixer.shelf import Shelf
from lora_mixer.modules import Family
from lora_mixer.pipeline import Guide, Job, Stretch
from lora_mixer.prompt import Span, parse, timeline
from lora_mixer.request import LoraUse, RenderRequest, Settings


def settings_of(request: RenderRequest, *, model: str, native_size: tuple[int, int]) -> Settings:
    """Return a request with every gap filled; a missing or negative seed is drawn at random.

    Args:
        request: The request, already laid over the defaults of models.toml.
        model: The name of the open model.
        native_size: The (width, height) the model was trained at.
    """
    width, height = native_size
    seed = request.seed
    return Settings(
        prompt=request.prompt,
        negative=request.negative or "",
        loras=request.loras,
        seed=secrets.randbelow(2**32) if seed is None or seed < 0 else seed,
        steps=request.steps or 20,
        cfg=7.0 if request.cfg is None else request.cfg,
        sampler=request.sampler or "DPM++ 2M",
        schedule=request.schedule or "Automatic",
        width=request.width or width,
        height=request.height or height,
        clip_skip=request.clip_skip or 1,
        model=model,
    )


def job_of(settings: Settings, shelf: Shelf, *, family: Family) -> Job:
    """Return the job of a picture: its course of texts and mixes over the steps.

    Raises:
        PromptError: The prompt cannot be read.
        AdapterError: An adapter it names is unknown or does not fit.
    """
    positive = timeline(parse(settings.prompt), settings.steps)
    negative = timeline(parse(settings.negative, negative=True), settings.steps)
    course = []
    for start, stop in _stretches(positive, negative, settings.steps):
        towards, away = _at(positive, start), _at(negative, start)
        both = (*settings.loras, *towards.loras)
        course.append(
            Stretch(
                start=start,
                stop=stop,
                positive=tuple(
                    Guide(pieces=part.text, weight=part.weight, stack=_stack(both, shelf, family))
                    for part in towards.parts
                ),
                negative=Guide(
                    pieces=tuple(piece for part in away.parts for piece in part.text),
                    stack=_stack((*both, *away.loras), shelf, family),
                ),
            )
        )
    uses = list(settings.loras)
    for use in (use for span in (*positive, *negative) for use in span.loras):
        if use not in uses:
            uses.append(use)
    return Job(settings=settings, course=tuple(course), uses=tuple(shelf.use(use) for use in uses))


def _stretches(positive: Iterable[Span], negative: Iterable[Span], steps: int) -> list[tuple[int, int]]:
    edges = sorted({0, steps, *(span.start for span in positive), *(span.start for span in negative)})
    return [(start, stop) for start, stop in pairwise(edges) if start < steps]


def _at(spans: Iterable[Span], step: int) -> Span:
    return next(span for span in spans if span.start <= step < span.stop)


def _stack(uses: Iterable[LoraUse], shelf: Shelf, family: Family) -> Stack:
    return Stack((Placed(adapter=shelf.take(use.name), strength=use.strength) for use in uses), family=family)
