"""A preset filled into a request, and whether the mix looks like what it is made for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lora_mixer.choices import Preset, find_preset
from lora_mixer.pipeline import Job
from lora_mixer.request import RenderRequest
from lora_mixer.wording import counted


def filled_in(asked: RenderRequest, *levels: RenderRequest) -> RenderRequest:
    """Return a request with its gaps filled from levels of defaults, the nearest first, and from presets on the way.

    What stands on one level with a preset wins over it; the preset wins over what stands on the levels behind.

    Raises:
        RequestError: There is no preset of that name; the nearest is in the text.
    """
    request = asked
    for level in (asked, *levels):
        request = request.over(level)
        if request.preset is not None:
            request = request.over(_wishes(find_preset(request.preset), request))
    return request


def notes_on(name: str, job: Job, model: str) -> Iterator[str]:
    """Yield what a picture's record says of its preset, and whether nothing in the mix looks made for it."""
    preset, settings = find_preset(name), job.settings
    yield f"preset {preset.name}: {settings.sampler}, {counted(settings.steps, 'step')}, cfg {settings.cfg:g}"
    names = [model, *(word for use in job.uses for word in (use.name, use.file, use.alias or ""))]
    if not preset.suits(names):
        yield f"the preset {preset.name} wants {preset.wants}, and nothing in the mix is called like one"


def _wishes(preset: Preset, request: RenderRequest) -> RenderRequest:
    """Return a preset as a request; its schedule and eta belong to its sampler, and go when another is asked for."""
    wish = RenderRequest(
        prompt="",
        sampler=preset.sampler,
        schedule=preset.schedule,
        eta=preset.eta,
        steps=preset.steps,
        cfg=preset.cfg,
    )
    return wish if request.sampler is None else replace(wish, sampler=None, schedule=None, eta=None)
