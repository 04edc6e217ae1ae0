"""A preset filled into a request, and whether the mix looks like what it is made for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lora_mixer.choices import Preset, find_preset
from lora_mixer.pipeline import Job
from lora_mixer.request import RenderRequest


def filled_in(asked: RenderRequest, defaults: RenderRequest) -> RenderRequest:
    """Return a request with its gaps filled: from its preset first, then from the defaults of models.toml.

    What stands beside a preset wins over it; a preset that is asked for wins over the defaults.

    Raises:
        RequestError: There is no preset of that name; the nearest is in the text.
    """
    request = asked if asked.preset is not None else asked.over(defaults)
    if request.preset is None:
        return request
    return request.over(_wishes(find_preset(request.preset), request)).over(defaults)


def notes_on(name: str, job: Job, model: str) -> Iterator[str]:
    """Yield what a picture's record says of its preset, and whether nothing in the mix looks made for it."""
    preset, settings = find_preset(name), job.settings
    yield f"preset {preset.name}: {settings.sampler}, {settings.steps} steps, cfg {settings.cfg:g}"
    names = [model, *(word for use in job.uses for word in (use.name, use.file))]
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
