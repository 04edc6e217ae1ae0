"""Fill presets into requests, and check that the mix suits them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lora_mixer.choices import Preset, find_preset
from lora_mixer.pipeline import Job
from lora_mixer.request import RenderRequest
from lora_mixer.wording import counted


def filled_in(asked: RenderRequest, *levels: RenderRequest) -> RenderRequest:
    """Fill a request's gaps from levels of defaults, nearest first, applying presets on the way.

    Values on a preset's own level win over it; the preset wins over farther levels.

    Raises:
        RequestError: Unknown preset; the error names the nearest.
    """
    request = _kept_in_size(asked)
    for level in (asked, *levels):
        request = request.over(level)
        if request.preset is not None:
            request = request.over(_wishes(find_preset(request.preset), request))
    return request


def _kept_in_size(asked: RenderRequest) -> RenderRequest:
    """A picture that starts from another is enlarged where it is asked for, not by default: each round would double it."""
    return replace(asked, upscale=1) if asked.init is not None and asked.upscale is None else asked


def notes_on(name: str, job: Job, model: str) -> Iterator[str]:
    """Yield the record's notes on the preset, including a warning if nothing in the mix looks made for it."""
    preset, settings = find_preset(name), job.settings
    yield f"preset {preset.name}: {settings.sampler}, {counted(settings.steps, 'step')}, cfg {settings.cfg:g}"
    names = [model, *(word for use in job.uses for word in (use.name, use.file, use.alias or ""))]
    if not preset.suits(names):
        yield f"the preset {preset.name} wants {preset.wants}, and nothing in the mix is called like one"


def _wishes(preset: Preset, request: RenderRequest) -> RenderRequest:
    """Return a preset as a request; its schedule and eta are dropped if another sampler is requested."""
    wish = RenderRequest(
        prompt="",
        sampler=preset.sampler,
        schedule=preset.schedule,
        eta=preset.eta,
        steps=preset.steps,
        cfg=preset.cfg,
    )
    return wish if request.sampler is None else replace(wish, sampler=None, schedule=None, eta=None)
