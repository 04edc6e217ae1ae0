"""What a picture's passes start from: input pictures opened and filled in, and settings as those of pictures of their own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lora_mixer.choices import (
    ONLY_MASKED,
    ORIGINAL,
    find_inpaint_area,
    find_mask_mode,
    find_masked_content,
    find_resize_mode,
)
from lora_mixer.images.canvas import Inpainting, mask_over
from lora_mixer.images.drawn_masks import drawn_mask
from lora_mixer.images.opening import open_input
from lora_mixer.mixer.second_pass import second_pass
from lora_mixer.pipeline import FromNoise, FromPassBefore, FromPicture, Start, UpscalerUse
from lora_mixer.regions import Region
from lora_mixer.request import RenderRequest, Settings
from lora_mixer.settings import PICTURE
from lora_mixer.settings.input_picture import START

MOST_ENLARGED = 4
"""An input picture says the size of what is drawn up to so many times the pixels the model was trained at."""


def opened(request: RenderRequest, native_size: tuple[int, int]) -> tuple[RenderRequest, tuple[int, int]]:
    """Return a request with the digests of its input pictures, and the size it is drawn at unless it says one.

    That is the init picture's own, in multiples of 8, brought down where it is far beyond what the model was trained at;
    where only a part of it is drawn, the model's.

    Raises:
        FileError: An input picture cannot be read, or is another than the one that is meant.
        RequestError: The mask covers nothing.
    """
    if request.init is None:
        return request, native_size
    init, image = open_input(request.init)
    area, mode = (_or_default(request, name) for name in ("inpaint_area", "mask_mode"))
    size = native_size if find_inpaint_area(str(area)) == ONLY_MASKED else _size(image.size, native_size)
    if request.mask is not None:
        mask, shares = open_input(request.mask)
        mask_over(shares, image.size, find_mask_mode(str(mode)))  # refuses one that covers nothing
        request = replace(request, mask=mask)
    return replace(request, init=init), size


def held(request: RenderRequest) -> RenderRequest:
    """Return a request whose regions hold their masks, wherever they lay.

    Raises:
        FileError: A mask cannot be read.
    """
    if not any(isinstance(region.mask, Path) for region in request.regions):
        return request
    return replace(request, regions=tuple(map(_held, request.regions)))


def _held(region: Region) -> Region:
    return replace(region, mask=drawn_mask(region.mask)) if isinstance(region.mask, Path) else region


def start_settings(request: RenderRequest) -> Mapping[str, Any]:
    """Return what a request says of its start, gaps filled; nothing about a picture that is not there.

    Raises:
        RequestError: There is no such mode; the nearest is in the text.
    """
    said: dict[str, Any] = dict.fromkeys(START)
    if request.init is None:
        return said | {"mask": request.mask}
    said |= {
        "init": request.init,
        "mask": request.mask,
        "denoise": _or_default(request, "denoise"),
        "resize_mode": find_resize_mode(str(_or_default(request, "resize_mode"))),
    }
    if request.mask is not None:
        said |= {
            "mask_blur": _or_default(request, "mask_blur"),
            "mask_mode": find_mask_mode(str(_or_default(request, "mask_mode"))),
            "masked_content": find_masked_content(str(_or_default(request, "masked_content"))),
            "inpaint_area": find_inpaint_area(str(_or_default(request, "inpaint_area"))),
        }
        if said["inpaint_area"] == ONLY_MASKED:
            said["inpaint_padding"] = _or_default(request, "inpaint_padding")
    return said


def idle_start(request: RenderRequest) -> Iterator[str]:
    """Yield what a request says of a start it does not have."""
    said = [name for name in START if getattr(request, name) is not None] if request.init is None else []
    if said:
        yield f"{', '.join(said)} has no effect without an init picture"


def starts_of(settings: Settings, network: UpscalerUse | None = None) -> Iterator[tuple[Start, Settings]]:
    """Yield what each pass starts from, and its settings; `network` enlarges before a second one.

    Of a pass that starts from a picture, the last steps of the whole course are taken, `steps * denoise` of them rounded
    down, as diffusers does (A1111 takes one more).
    """
    start, without = _from_picture(settings), _without_start(settings)
    if start is None:
        yield FromNoise(), settings
    else:
        yield start, replace(without, steps=int(settings.steps * (settings.denoise or 0)))
    if settings.hires is not None:
        yield FromPassBefore(hires=settings.hires, upscaler=network), second_pass(without, settings.hires)


def _without_start(settings: Settings) -> Settings:
    """Return the settings of a pass, whose start is said beside them."""
    nothing: Any = dict.fromkeys(START)
    return settings if settings.init is None else replace(settings, **nothing)


def _from_picture(settings: Settings) -> FromPicture | None:
    if settings.init is None or settings.denoise is None or settings.resize_mode is None:
        return None
    inpainting = _inpainting(settings)
    return FromPicture(
        picture=settings.init,
        resize_mode=settings.resize_mode,
        steps=settings.steps,
        mask=settings.mask,
        inpainting=inpainting,
        anew=inpainting is not None and inpainting.content == ORIGINAL and settings.denoise == 1,
    )


def _inpainting(settings: Settings) -> Inpainting | None:
    mode, blur, content, area = settings.mask_mode, settings.mask_blur, settings.masked_content, settings.inpaint_area
    if settings.mask is None or mode is None or blur is None or content is None or area is None:
        return None
    return Inpainting(mode=mode, blur=blur, content=content, area=area, padding=settings.inpaint_padding or 0)


def _or_default(request: RenderRequest, name: str) -> object:
    given = getattr(request, name)
    return PICTURE[name].default if given is None else given


def _size(size: tuple[int, int], native: tuple[int, int]) -> tuple[int, int]:
    pixels, most = size[0] * size[1], MOST_ENLARGED * native[0] * native[1]
    scale = min(1.0, math.sqrt(most / pixels))
    width, height = (max(int(side * scale) // 8 * 8, 8) for side in size)
    return width, height
