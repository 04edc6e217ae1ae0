"""Complete a request's settings: gaps are filled, styles inserted, wildcards drawn."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from lora_mixer.choices import SUM, find_method
from lora_mixer.mixer.second_pass import hires_of
from lora_mixer.mixer.starts import start_settings
from lora_mixer.prompt import apply_styles, expand, named_styles, own_rewritten
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
